"""Parking: drops rows from memory while their calls wait for a batch, and restarts them later."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from catsdk.cat import CaT
from catsdk.runtime.attribution import Waits, waiting
from catsdk.runtime.batching.dispatch import Dispatch

__all__ = ["Parked", "Parking", "parking_of"]

# A row may still be making other calls when the first one waits.
SETTLING = 0.2
LONGEST_NAP = 60.0


@dataclass(eq=False)
class Parked:
    """One row that is in memory."""

    id: str
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    gone: anyio.Event = field(default_factory=anyio.Event)
    since: float = 0.0


@dataclass(eq=False)
class Parking:
    """Keeps at most so many rows in memory.

    A row that is put out has its calls in the file of batches. It is begun again when all of them
    have come back; what it had asked before is kept, so that it goes on where it was.

    Args:
        dispatch: What sends the calls.
        most: How many rows.
    """

    dispatch: Dispatch
    most: int
    out: set[str] = field(default_factory=set[str])
    """The ids of the rows that were put out, and have to be begun again."""
    _inside: int = 0
    _changes: int = 0
    _still: OrderedDict[str, Parked] = field(default_factory=OrderedDict[str, Parked])
    _changed: anyio.Event = field(default_factory=anyio.Event)

    @contextmanager
    def row(self, id: str) -> Generator[Parked]:
        """Work on a row inside; where it is put out, the block ends early.

        Args:
            id: The row's.
        """
        row = Parked(id)
        self._inside += 1

        def changed(waits: Waits) -> None:
            self._still.pop(id, None)
            if 0 < waits.waiting == waits.calls:
                row.since = time.monotonic()
                self._still[id] = row
            self._ring()

        try:
            with row.scope, waiting(Waits(changed)):
                yield row
        finally:
            self._still.pop(id, None)
            self._inside -= 1
            row.gone.set()
            self._ring()

    def _ring(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def done(self, id: str) -> None:
        """Note that a row has ended, even if it was being put out at that moment."""
        self.out.discard(id)

    async def room(self) -> None:
        """Wait until there is room for another row; the one that has waited longest makes it."""
        while self._inside >= self.most:
            oldest = next(iter(self._still.values()), None)
            rest = SETTLING
            if oldest is not None:
                rest = oldest.since + SETTLING - time.monotonic()
                if rest <= 0:
                    self.out.add(oldest.id)
                    oldest.scope.cancel()
                    await oldest.gone.wait()
                    # The answer may have arrived just now, and no later one may wake the row.
                    self._changes = -1
                    continue
            with anyio.move_on_after(rest):
                await self._changed.wait()

    async def back(self, ids: Sequence[str]) -> set[str]:
        """Those of the rows that were put out and can go on; they are not out any more.

        Args:
            ids: Ids of rows.
        """
        asked = [id for id in ids if id in self.out]
        ready = await self.dispatch.ready(asked) if asked else set[str]()
        self.out -= ready
        return ready

    async def nap(self, seconds: float) -> None:
        """Wait until calls have come back, and at least so many seconds.

        Args:
            seconds: What a look at all rows takes, so that looking does not take all the time.
        """
        await self.dispatch.changed(self._changes, LONGEST_NAP)
        await anyio.sleep(min(seconds, LONGEST_NAP))
        self._changes = self.dispatch.changes


async def parking_of(c: CaT) -> Parking | None:
    """Give the parking of an open method; `None` if its calls do not outlive the process.

    Args:
        c: The method.
    """
    batching = c.client.sending.batch
    if batching is None or batching.path is None:
        return None
    async with c.context() as ctx:
        assert ctx.models is not None
        return Parking(ctx.models.batches(batching), batching.waiting)
