"""The batches of the loopback server, which its model works on as they are polled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import time
from typing import Any, Literal

from catsdk.core.ports import Provider
from catsdk.core.types import Completion
from catsdk.testing.batches.weather import CALM_BATCHES, Fate
from catsdk.testing.wire import Wire

__all__ = ["BatchDesk", "Entry", "ServedBatch", "Step"]

Step = Literal["upload", "create", "created", "list", "poll", "download", "downloaded", "cancel"]
Status = Literal["working", "ended", "expired", "cancelled", "refused"]


@dataclass(slots=True)
class Entry:
    """One request of a batch and its outcome; `completions` come from the model."""

    id: str
    body: dict[str, Any] = field(repr=False)
    fate: Fate = "unanswered"
    completions: list[Completion] = field(default_factory=list[Completion], repr=False)


@dataclass(slots=True)
class ServedBatch:
    """One batch."""

    id: str
    entries: list[Entry] = field(repr=False)
    metadata: dict[str, str]
    status: Status = "working"
    created: int = 0
    polls: int = 0
    file: str = ""
    path: str = ""

    @property
    def tokens(self) -> int:
        """The approximate number of tokens enqueued for it."""
        return sum(len(json.dumps(entry.body)) for entry in self.entries) // 4


class BatchDesk:
    """Takes batches and works on them: a batch ends once it has been polled often enough.

    `bought` counts how often each request was answered by the model, by its body: what a vendor
    bills. `on_step` is called in the server's thread at each step of a batch; it may raise
    `ConnectionResetError` to have the connection cut.
    """

    def __init__(self, provider: Provider) -> None:
        """Start without batches."""
        self.weather = CALM_BATCHES
        self.batches: dict[str, ServedBatch] = {}
        self.files: dict[str, list[dict[str, Any]]] = {}
        self.bought: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()
        self.on_step: Callable[[Step], None] = lambda step: None
        self._provider = provider
        self._seen: Counter[str] = Counter()
        self._refused = 0
        self._cut = 0

    def step(self, step: Step) -> None:
        """Count a step and report it."""
        self.steps[step] += 1
        self.on_step(step)

    def add(
        self, entries: list[Entry], metadata: dict[str, str], file: str = "", path: str = ""
    ) -> ServedBatch:
        """Take a batch."""
        batch = ServedBatch(
            f"batch_{len(self.batches)}",
            entries,
            metadata,
            created=int(time()),
            file=file,
            path=path,
        )
        if self.is_too_much(batch):
            batch.status = "refused"
        self.batches[batch.id] = batch
        return batch

    def is_too_much(self, batch: ServedBatch) -> bool:
        """Whether the batch would exceed the limit of enqueued tokens."""
        most = self.weather.enqueued_tokens
        return most is not None and self._enqueued() + batch.tokens > most

    def refuses(self) -> bool:
        """Whether the next batch is refused before it is made."""
        self._refused += 1
        return self._refused <= self.weather.refused_batches

    def cuts(self) -> bool:
        """Whether the next download breaks off."""
        self._cut += 1
        return self._cut <= self.weather.cut_downloads

    def _enqueued(self) -> int:
        return sum(each.tokens for each in self.batches.values() if each.status == "working")

    async def ask(self, batch: ServedBatch, wire: Wire) -> None:
        """Advance a batch, because it was polled."""
        batch.polls += 1
        if batch.status == "working" and batch.polls >= self.weather.polls:
            await self._work(batch, wire)

    async def cancel(self, batch: ServedBatch, wire: Wire) -> None:
        """End a batch when half of it is answered."""
        if batch.status == "working":
            await self._answer(batch.entries[: len(batch.entries) // 2], wire)
            batch.status = "cancelled"

    async def _work(self, batch: ServedBatch, wire: Wire) -> None:
        place = list(self.batches).index(batch.id)
        if place < self.weather.without_files:
            batch.status = "expired"
            return
        await self._answer(batch.entries, wire)
        cut = any(entry.fate == "unanswered" for entry in batch.entries)
        batch.status = "expired" if cut else "ended"

    async def _answer(self, entries: list[Entry], wire: Wire) -> None:
        for entry in entries:
            # Keyed by the body: an id contains the name of the run, which differs each time.
            asked = json.dumps(entry.body, sort_keys=True)
            entry.fate = self.weather.fate(asked, self._seen[asked])
            self._seen[asked] += 1
            if entry.fate in {"answered", "missing", "null_response"}:
                entry.completions = list(await self._provider.complete(wire.request_of(entry.body)))
            if entry.fate == "answered":
                self.bought[asked] += 1

    def results(self, batch: ServedBatch) -> list[Entry]:
        """The entries in the results, in the order in which they appear there."""
        told = [entry for entry in batch.entries if entry.fate != "missing"]
        if self.weather.shuffled:
            Random(self.weather.seed).shuffle(told)
        return told
