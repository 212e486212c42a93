"""A finished audit as a page, a table for the terminal and a view for a notebook. No estimate is made here."""

from unmask.report.methods import citation, methods_paragraph
from unmask.report.page import render

__all__ = ["citation", "methods_paragraph", "render"]
