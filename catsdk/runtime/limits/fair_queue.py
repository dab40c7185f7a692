"""A fair queue: stages take turns, and earlier prompts come first within a stage."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Generic, Protocol, TypeVar

__all__ = ["Turns", "Waits"]


class Waits(Protocol):
    """What waits for its turn."""

    @property
    def stage(self) -> str:
        """The stage that it belongs to."""
        ...

    @property
    def rank(self) -> int:
        """Lower comes first within a stage."""
        ...


W = TypeVar("W", bound=Waits)


@dataclass(slots=True, order=True)
class _Place(Generic[W]):
    rank: int
    arrival: int
    waiter: W = field(compare=False)
    empty: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Turns(Generic[W]):
    """Calls that wait. The next is of the stage with the fewest in flight, so none starves another.

    Who leaves the queue before its turn stays in it as an empty place until its turn comes, or
    until half of the places are empty.
    """

    running: Counter[str] = field(default_factory=Counter[str])
    _queues: dict[str, list[_Place[W]]] = field(default_factory=dict[str, "list[_Place[W]]"])
    _places: dict[int, _Place[W]] = field(default_factory=dict[int, "_Place[W]"])
    _arrivals: int = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, waiter: W) -> None:
        """Queue up behind those of the same stage and rank."""
        self._arrivals += 1
        place = _Place(waiter.rank, self._arrivals, waiter)
        self._places[id(waiter)] = place
        heappush(self._queues.setdefault(waiter.stage, []), place)

    def next(self) -> W:
        """The one whose turn it is; ties go to the stage whose first waiter came first."""
        heads = [self._queues[stage][0] for stage in self._queues]
        first = min(heads, key=lambda p: (self.running[p.waiter.stage], p.arrival))
        return first.waiter

    def remove(self, waiter: W) -> None:
        """Take away `waiter`, wherever it stands; nothing happens where it is not there."""
        place = self._places.pop(id(waiter), None)
        if place is not None:
            place.empty = True
            self._tidy(waiter.stage)

    def all(self) -> list[W]:
        """Everyone who waits."""
        return [place.waiter for place in self._places.values()]

    def _tidy(self, stage: str) -> None:
        queue = self._queues[stage]
        while queue and queue[0].empty:
            heappop(queue)
        if not queue:
            del self._queues[stage]
        elif sum(map(len, self._queues.values())) > 2 * len(self._places) + 64:
            for name, places in self._queues.items():
                self._queues[name] = [place for place in places if not place.empty]
                heapify(self._queues[name])
