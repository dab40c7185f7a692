"""A run of very many items, made quickly: one file of items again and again, under other ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catsdk.evaluate.item_files import ITEMS, MOST_ITEMS
from tests.view.seen import four, write


def many(folder: Path, count: int = 100_000) -> Path:
    """Write a finished evaluation of `count` items, in the files that it would have.

    Args:
        folder: Where it is written.
        count: A multiple of 500.
    """
    import pyarrow
    from pyarrow import parquet

    kinds = four()
    items = [kinds[at % len(kinds)] for at in range(MOST_ITEMS)]
    write(folder, items, title="Very many sums")
    first: Any = parquet.read_table(folder / ITEMS.replace("*", "00000"))
    column = first.schema.get_field_index("item")
    for file in range(count // MOST_ITEMS):
        ids = pyarrow.array([f"sum {file * MOST_ITEMS + at}" for at in range(MOST_ITEMS)])
        table = first.set_column(column, "item", ids)
        path = folder / ITEMS.replace("*", f"{file:05}")
        parquet.write_table(table, path, compression="zstd", row_group_size=100)
    return folder
