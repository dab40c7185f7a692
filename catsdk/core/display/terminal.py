"""A sheet for rich: a table under its facts, whose texts are not read as markup."""

from __future__ import annotations

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from catsdk.core.display.sheet import Sheet

__all__ = ["rich_of"]


def rich_of(sheet: Sheet) -> RenderableType:
    """What rich prints of a sheet.

    Args:
        sheet: What is shown.
    """
    facts = Text(" · ").join(
        Text.assemble((name, "dim"), " ", Text(value)) for name, value in sheet.facts
    )
    parts: list[RenderableType] = [Text(sheet.title, style="bold"), facts]
    if sheet.rows:
        table = Table(show_edge=False, pad_edge=False)
        for head in sheet.heads:
            table.add_column(Text(head))
        for row in sheet.rows:
            table.add_row(*map(Text, row))
        parts.append(table)
    if sheet.more:
        parts.append(Text(f"and {sheet.more:,} more", style="dim"))
    return Stack(*parts)
