"""`catsdk providers`: lists the prefixes of model strings."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from catsdk.core.model_strings import BUILT_IN, known_providers

__all__ = ["providers"]


def providers() -> None:
    """List the available providers."""
    table = Table("provider", "needs", "what it reaches")
    for name in known_providers():
        origin = BUILT_IN.get(name)
        if origin is None:
            table.add_row(name, "", "registered by an installed package")
        else:
            extra = f"extra {origin.extra}" if origin.extra else "no extra"
            table.add_row(name, extra, origin.summary)
    Console(emoji=False).print(table)
