"""What the user asks: query sets, built in or from a user's own files. Requests only, never answers."""

from unmask.queries.load import list_query_sets, load_queries
from unmask.queries.sets import Option, Query, QuerySet

__all__ = ["Option", "Query", "QuerySet", "list_query_sets", "load_queries"]
