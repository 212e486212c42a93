"""A finished audit as a page, a table for the terminal and a view for a notebook. Nothing is computed here."""

from unmask.report.methods import citation, methods_paragraph
from unmask.report.page import render

__all__ = ["citation", "methods_paragraph", "render"]
