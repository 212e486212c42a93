"""How much of a model's own reasoning can be seen: what providers state, and what came with a reply."""

from unmask.visibility.read import Reading, read_output
from unmask.visibility.statements import Statement, statement_on, worst

__all__ = ["Reading", "Statement", "read_output", "statement_on", "worst"]
