"""A sheet as HTML for notebooks, without colours, so that it is readable in any theme."""

from __future__ import annotations

from html import escape
from typing import Final

from catsdk.core.display.sheet import Sheet

__all__ = ["html_of"]

_LINE: Final = "border-bottom:1px solid rgba(128,128,128,.35)"
_CELL: Final = f"text-align:left;vertical-align:top;padding:3px 10px 3px 0;{_LINE}"
_FAINT: Final = "opacity:.75"


def html_of(sheet: Sheet) -> str:
    """The HTML of a sheet; every text is escaped.

    Args:
        sheet: What is shown.
    """
    facts = "".join(
        f'<span style="margin-right:14px"><span style="{_FAINT}">{escape(name)}</span>'
        f" {escape(value)}</span> "
        for name, value in sheet.facts
    )
    # Notebooks typeset text between dollars as mathematics unless this class prevents it.
    return (
        '<div class="tex2jax_ignore mathjax_ignore" style="font-size:13px;line-height:1.45;'
        f'max-width:100%;overflow-x:auto"><div><b>{escape(sheet.title)}</b></div>'
        f"<div>{facts}</div>{_table(sheet)}</div>"
    )


def _table(sheet: Sheet) -> str:
    if not sheet.rows:
        return ""
    heads = "".join(f'<th style="{_CELL};{_FAINT}">{escape(head)}</th>' for head in sheet.heads)
    cells = ("".join(f'<td style="{_CELL}">{escape(each)}</td>' for each in r) for r in sheet.rows)
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    more = f'<div style="{_FAINT}">and {sheet.more:,} more</div>' if sheet.more else ""
    return (
        '<table style="border-collapse:collapse;background:none;margin:4px 0">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}"
    )
