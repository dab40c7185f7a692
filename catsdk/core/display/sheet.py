"""Sheet: the texts that are shown of a value, independent of the output format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Cell", "Sheet"]

Cell = str | float | bool | None
"""`None` is absent: a value that is missing is said to be."""

_MOST_ROWS: Final = 24
_MOST_SIGNS: Final = 280
# Control characters of terminals and of text direction; line ends and tabs become spaces.
_HIDDEN: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A title, facts, and a table, with texts that are cut and hold nothing that acts.

    Args:
        title: What it is.
        facts: Names and values; those that are absent are left out.
        heads: The heads of the columns.
        rows: The cells of each row.
        more: How many rows are left out.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int

    @classmethod
    def of(
        cls,
        title: str,
        facts: Iterable[tuple[str, Cell]] = (),
        heads: Sequence[str] = (),
        rows: Sequence[Sequence[Cell]] = (),
    ) -> Sheet:
        """Make it of what a value has.

        Args:
            title: What it is.
            facts: Names and values.
            heads: The heads of the columns.
            rows: The cells of each row; those beyond a number are counted and left out.
        """
        return cls(
            title=_text(title),
            facts=tuple((name, _text(value)) for name, value in facts if value not in (None, "")),
            heads=tuple(heads),
            rows=tuple(tuple(map(_text, row)) for row in rows[:_MOST_ROWS]),
            more=max(0, len(rows) - _MOST_ROWS),
        )


def _text(value: Cell) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
    text = _HIDDEN.sub("\ufffd", value[: 2 * _MOST_SIGNS])
    text = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return text if len(text) <= _MOST_SIGNS else f"{text[: _MOST_SIGNS - 1]}…"
