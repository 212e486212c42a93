"""Logs to tables and back. No means are taken here and nothing is dropped in silence."""

from unmask.records.from_logs import Records, read_logs
from unmask.records.tables import read_tables, requests, write_tables

__all__ = ["Records", "read_logs", "read_tables", "requests", "write_tables"]
