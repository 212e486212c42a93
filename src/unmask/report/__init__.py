"""A finished audit as a page, a table for the terminal and a view for a notebook. Estimates nothing."""

from unmask.report.methods import citation, methods_paragraph
from unmask.report.notebook import AuditView
from unmask.report.page import render
from unmask.report.terminal import summary_table
from unmask.report.write import write_report

__all__ = [
    "AuditView",
    "citation",
    "methods_paragraph",
    "render",
    "summary_table",
    "write_report",
]
