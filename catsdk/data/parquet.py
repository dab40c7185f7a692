"""Writes Parquet files atomically, with one schema and errors that say what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from catsdk.core.errors import MissingExtraError
from catsdk.core.installing import install_command
from catsdk.data.writing import writing

__all__ = ["pyarrow_or_raise", "utf8", "write_rows"]

_NEW = ".new"


def pyarrow_or_raise(instead: str = "") -> tuple[Any, Any]:
    """`pyarrow` and `pyarrow.parquet`.

    Args:
        instead: What else one can do where it is not installed.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        fix = ", ".join([install_command("data"), *([instead] if instead else [])])
        raise MissingExtraError(f"Parquet files need pyarrow: {fix}") from error


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], schema: Any, *, group: int) -> None:
    """Write rows to a file that is there as a whole, or as it was before.

    Args:
        path: The file; its folder is made where it is not there.
        rows: The rows.
        schema: That of pyarrow which they fit.
        group: Rows of a group, the least that is read at once.

    Raises:
        MissingExtraError: pyarrow is not installed.
        ConfigurationError: the disk is full or fails.
    """
    pa, parquet = pyarrow_or_raise()
    new = path.with_name(f"{path.name}{_NEW}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(list(rows), schema=schema)
        parquet.write_table(table, new, compression="zstd", row_group_size=group)
        new.replace(path)


def utf8(text: str | None) -> str | None:
    """The text as UTF-8 can hold it: models may answer half a character."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")
