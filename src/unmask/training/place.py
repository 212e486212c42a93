"""Names in the folder of an adapter that was trained here."""

from unmask.providers import adapters

ADAPTER = adapters.FILE
CARD = "training.json"  # recipe, hashes and what came of it; written last
WORK = ".training"  # checkpoints and the like, until then
