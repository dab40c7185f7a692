from catsdk.data.columns import Columns
from catsdk.data.rows import Row
from catsdk.data.sources import Source, read_rows

__all__ = ["Columns", "Row", "Source", "read_rows"]
