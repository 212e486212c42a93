"""Where people label transcripts blind: a local page, its store, and how far labellers agree.

The page knows a text by a random id and nothing of model, tier, role or verdict (docs/labelling.md).
"""

from unmask.labelling.agreement import Agreement, agreement_of
from unmask.labelling.desk import Desk, desk_of, fill, labeller_name
from unmask.labelling.store import Store, open_store

__all__ = [
    "Agreement",
    "Desk",
    "Store",
    "agreement_of",
    "desk_of",
    "fill",
    "labeller_name",
    "open_store",
]
