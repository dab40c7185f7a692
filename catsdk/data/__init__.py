"""Data sets of prompts and known answers: one syntax of sources, one loader for every command."""

from catsdk.data.columns import Columns
from catsdk.data.rows import Row, Wrong
from catsdk.data.sources import Source, each_row, read_rows

__all__ = ["Columns", "Row", "Source", "Wrong", "each_row", "read_rows"]
