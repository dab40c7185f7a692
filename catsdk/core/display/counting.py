"""Counts in sentences: a number and its noun, in the singular or plural."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: float, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, as in `1 request` and `1,200 requests`.

    Args:
        count: How many there are.
        noun: One of them.
        plural: Several of them; by default the noun with an `s`.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
