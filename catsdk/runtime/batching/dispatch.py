"""Dispatch: the queues of all open models, over one journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from catsdk.core.batches import BatchService
from catsdk.core.errors import ConfigurationError
from catsdk.core.ports import Provider, declared, name_of
from catsdk.core.sending import Batching
from catsdk.runtime.batching.journal import Journal
from catsdk.runtime.batching.queue import Queue
from catsdk.runtime.limits.endpoints import identity_of

__all__ = ["Dispatch"]


@dataclass(eq=False)
class Dispatch:
    """Has a queue for each model, which works in a task of its own until `close`.

    Args:
        tasks: Where the queues run.
        batching: The settings.
    """

    tasks: TaskGroup
    batching: Batching
    changes: int = 0
    """How often calls have come back."""
    _journal: Journal | None = None
    _queues: dict[str, Queue] = field(default_factory=dict[str, Queue])
    _opening: anyio.Lock = field(default_factory=anyio.Lock)
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _scopes: list[anyio.CancelScope] = field(default_factory=list[anyio.CancelScope])
    _running: int = 0
    _ended: anyio.Event = field(default_factory=anyio.Event)

    async def queue(self, bare: Provider) -> Queue | None:
        """Give the queue of a model; `None` if its provider has no batch API.

        Args:
            bare: The model's provider.

        Raises:
            ConfigurationError: the file of batches cannot be used, or the provider lacks a setting.
        """
        make = declared(bare, "batches")
        if not callable(make):
            return None
        async with self._opening:
            place = identity_of(bare)
            if place not in self._queues:
                if self._journal is None:
                    self._journal = await Journal.open(self.batching.path)
                batches = cast("Callable[[Batching], BatchService]", make)
                # In a thread, since it imports more of the vendor's SDK.
                service = await to_thread.run_sync(batches, self.batching)
                queue = Queue(
                    name_of(bare), place, service, self._journal, self.batching, self._ring
                )
                self._queues[place] = queue
                self._running += 1
                self.tasks.start_soon(self._run, queue)
            return self._queues[place]

    async def _run(self, queue: Queue) -> None:
        try:
            with anyio.CancelScope() as scope:
                self._scopes.append(scope)
                await queue.run()
        finally:
            self._running -= 1
            if not self._running:
                self._ended.set()

    def _ring(self) -> None:
        self.changes += 1
        self._changed.set()
        self._changed = anyio.Event()

    @property
    def lasts(self) -> bool:
        """Whether what is asked outlives this process, so that nobody must wait for it."""
        return self.batching.path is not None

    @property
    def doubt(self) -> ConfigurationError | None:
        """What to do about a batch of which nobody knows whether it was bought."""
        doubts = (queue.doubt for queue in self._queues.values())
        return next((doubt for doubt in doubts if doubt is not None), None)

    async def changed(self, since: int, seconds: float) -> None:
        """Wait until there are more `changes` than `since`, and no longer than so many seconds."""
        if self.changes == since:
            with anyio.move_on_after(seconds):
                await self._changed.wait()

    async def ready(self, places: Sequence[str]) -> set[str]:
        """Those pieces of work that wait for no batch (any more).

        Args:
            places: Their names.
        """
        if self._journal is None or not places:
            return set(places)
        return await self._journal.ready(places)

    async def close(self) -> None:
        """End the queues; what is kept in a file goes on when it is opened again."""
        for scope in self._scopes:
            scope.cancel()
        if self._running:
            await self._ended.wait()
        for queue in self._queues.values():
            await queue.close()
        if self._journal is not None:
            await self._journal.close()
