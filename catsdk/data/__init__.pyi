from catsdk.data.columns import Columns
from catsdk.data.rows import Row, Wrong
from catsdk.data.sources import Source, each_row, read_rows

__all__ = ["Columns", "Row", "Source", "Wrong", "each_row", "read_rows"]
