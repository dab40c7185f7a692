"""Formulas and numbers inside sentences."""

from __future__ import annotations

import re
from collections import deque

__all__ = [
    "formulas_and_numbers",
    "last_expression",
    "last_match",
]

_MATH = re.compile(
    # An opening delimiter ends the search of the one before it: else many of them take long.
    r"\$\$(.{1,2000}?)\$\$|\\\[((?:(?!\\[(\[]).){1,2000}?)\\\]|\\\(((?:(?!\\[(\[]).){1,2000}?)\\\)"
    r"|(?<![\\$])\$(?=\s?[^\s\d$]|\s?\d[^$\n]{0,200}\$)((?:[^$\n\\]|\\.){1,500}?)\$(?!\d)",
    re.DOTALL,
)
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/^{])[-+\u2212]?[$€£]?"
    r"(?:\d{1,3}(?:[, ]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?(?:/\d+|\ ?%|\\%)?"
    r"|(?<![\w.])[-+]?\.\d+"
)


def last_expression(text: str) -> str | None:
    """Return the last formula between math delimiters, or the last number if it comes later."""
    formula = last_match(_MATH, text)
    number = last_match(_NUMBER, text, formula.end() if formula else 0)
    if number is not None:
        return number.group()
    return next(group for group in formula.groups() if group) if formula else None


def formulas_and_numbers(text: str) -> list[tuple[int, int, str]]:
    """Return start, end and content of each formula, and of each number outside of them."""
    found: list[tuple[int, int, str]] = []
    at = 0
    for formula in [*_MATH.finditer(text), None]:
        end = formula.start() if formula else len(text)
        found += [(each.start(), each.end(), each[0]) for each in _NUMBER.finditer(text, at, end)]
        if formula:
            content = next(group for group in formula.groups() if group)
            found.append((formula.start(), formula.end(), content))
            at = formula.end()
    return found


def last_match(pattern: re.Pattern[str], text: str, start: int = 0) -> re.Match[str] | None:
    """Return the last match of a pattern."""
    return next(iter(deque(pattern.finditer(text, start), maxlen=1)), None)
