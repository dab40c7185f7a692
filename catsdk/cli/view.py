"""`catsdk view`: runs, groups, rubrics and trainings in a browser, or as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console

from catsdk.cli.destinations import check_file
from catsdk.cli.serve import terminated

__all__ = ["view"]

Folder = Annotated[
    Path,
    typer.Argument(help="Folder that catsdk wrote to; shows all runs below it, also running ones."),
]
Host = Annotated[
    str,
    typer.Option(help="Address to listen on; if other machines can reach it, a token is required."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")]
Token = Annotated[
    str | None,
    typer.Option(
        help="Token that a browser must send; default: CATSDK_VIEW_TOKEN, or none on this machine."
    ),
]
Export = Annotated[Path | None, typer.Option(help="Write one self-contained HTML file, and exit.")]


def view(
    folder: Folder = Path(),
    host: Host = "127.0.0.1",
    port: Port = 7600,
    token: Token = None,
    export: Export = None,
) -> None:
    """Show what ran: runs, items, groups, rubrics, trainings and costs."""
    from catsdk.view import export_page, viewing

    console = Console(emoji=False, highlight=False, soft_wrap=True)
    if export is not None:
        check_file("--export", export)
        console.print(export_page(folder, export), markup=False)
        return
    secret = token if token is not None else os.environ.get("CATSDK_VIEW_TOKEN")

    async def serving() -> None:
        async with viewing(folder, host=host, port=port, token=secret) as address:
            console.print(f"viewer at {address}", markup=False)
            await terminated()

    anyio.run(serving)
