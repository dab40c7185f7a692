"""`catsdk batches`: lists the open batches of a run, and settles one whose state is unknown."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console
from rich.table import Table

from catsdk.batch.folder import BATCHES
from catsdk.core.errors import InvalidInputError
from catsdk.runtime.batching.journal import Journal, ShardRow

__all__ = ["batches"]

Place = Annotated[Path, typer.Argument(help="Folder of `catsdk batch`, or the file of batches.")]
Created = Annotated[
    str | None,
    typer.Option(
        metavar="ID=BATCH", help="Batch ID was created; BATCH is the provider's id for it."
    ),
]
NotCreated = Annotated[
    int | None, typer.Option(metavar="ID", help="Batch ID was not created, so create it now.")
]


def batches(place: Place, created: Created = None, not_created: NotCreated = None) -> None:
    """List the batches that have not ended; settle one whose state is unknown."""
    file = place / BATCHES if place.is_dir() else place
    if not file.is_file():
        raise InvalidInputError(f"there is no file {file}; name the folder given by --out")
    rows = anyio.run(_resolved, file, created, not_created)
    Console(emoji=False, soft_wrap=True).print(_table(rows) if rows else "no open batches")


async def _resolved(file: Path, created: str | None, not_created: int | None) -> list[ShardRow]:
    journal = await Journal.open(str(file))
    try:
        rows = {row.id: row for row in await journal.shards()}
        if created is not None:
            number, _, batch = created.partition("=")
            if not number.isdigit() or not batch:
                raise InvalidInputError(
                    f"--created is {created!r}; give ID=BATCH, such as 3=batch_x"
                )
            row = _doubtful(rows, int(number))
            await journal.mark(row.id, state="submitted", batch=batch)
        if not_created is not None:
            row = _doubtful(rows, not_created)
            await journal.put_back(await journal.ids_of(row.id), tries=0)
            await journal.end(row.id)
        return await journal.shards()
    finally:
        await journal.close()


def _doubtful(rows: dict[int, ShardRow], number: int) -> ShardRow:
    row = rows.get(number)
    if row is None or row.state not in {"ambiguous", "creating"}:
        known = ", ".join(str(row.id) for row in rows.values() if row.state == "ambiguous")
        raise InvalidInputError(
            f"batch {number} is not in an unknown state; batches in one: {known or 'none'}"
        )
    return row


def _table(rows: list[ShardRow]) -> Table:
    table = Table("id", "state", "requests", "provider's id", "age", "digest")
    for row in rows:
        hours = (time.time() - row.created) / 3600
        table.add_row(
            str(row.id), row.state, f"{row.size:,}", row.batch or "", f"{hours:.1f} h", row.digest
        )
    return table
