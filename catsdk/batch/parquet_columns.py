"""Infers the common schema of Parquet files from the records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from catsdk.data.parquet import pyarrow_or_raise

__all__ = ["Columns"]

Record = dict[str, Any]


class Columns:
    """The columns of many records, and the type that serves each.

    A column whose values have no type in common is written as JSON text.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    def __init__(self) -> None:
        """Begin without a column."""
        self._pa, self._pq = pyarrow_or_raise("or write JSON lines")
        self._types: dict[str, Any] = {}
        """The type of each column; `None` if there is none in common."""

    def see(self, records: Sequence[Record]) -> None:
        """Widen the types so that they serve `records` too."""
        for name in _names(records):
            found = self._type_of([record.get(name) for record in records])
            known = self._types.get(name, self._pa.null())
            self._types[name] = self._common(known, found)

    def write(self, records: Sequence[Record], path: Path) -> None:
        """Write `records`, all of which were seen, to `path`.

        Raises:
            OSError: the disk is full or fails.
        """
        pa = self._pa
        columns = {
            name: [self._cell(record.get(name), kind) for record in records]
            for name, kind in self._types.items()
        }
        schema = pa.schema([(name, kind or pa.string()) for name, kind in self._types.items()])
        self._pq.write_table(pa.table(columns, schema=schema), path)

    def _cell(self, value: object, kind: object) -> object:
        return (
            json.dumps(value, ensure_ascii=False) if kind is None and value is not None else value
        )

    def _type_of(self, values: list[Any]) -> Any:
        try:
            kind = self._pa.array(values).type
        except (self._pa.ArrowException, OverflowError, UnicodeEncodeError):
            return None
        # Parquet cannot express an object without fields.
        return None if "struct<>" in str(kind) else kind

    def _common(self, one: Any, other: Any) -> Any:
        pa = self._pa
        if one is None or other is None:
            return None
        schemas = [pa.schema([("column", each)]) for each in (one, other)]
        try:
            return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
        except pa.ArrowException:
            return None


def _names(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))
