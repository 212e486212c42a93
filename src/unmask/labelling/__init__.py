"""Where people label transcripts blind: a local page, its store, and how far labellers agree.

The page knows a text by a random id and nothing of model, tier, role or verdict (docs/labelling.md).
"""

from unmask.labelling.agreement import Agreement, agreement_of
from unmask.labelling.draw import Sample, draw_disagreement, draw_random
from unmask.labelling.store import Store, open_store
from unmask.labelling.texts import readable

__all__ = [
    "Agreement",
    "Sample",
    "Store",
    "agreement_of",
    "draw_disagreement",
    "draw_random",
    "open_store",
    "readable",
]
