"""Put what a command writes between the two marks that a page has for it."""

from __future__ import annotations

__all__ = ["between"]


def between(page: str, begin: str, end: str, text: str) -> str:
    """The page with `text` between its marks, in place of what stood there."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
