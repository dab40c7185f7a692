"""A fair queue: stages take turns, and earlier prompts come first within a stage."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Generic, Protocol, TypeAlias, TypeVar

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


_Place: TypeAlias = tuple[int, int, W]


@dataclass(slots=True)
class Turns(Generic[W]):
    """Calls that wait. The next is of the stage with the fewest in flight, so none starves another.

    Who leaves the queue before its turn stays in it as an empty place until its turn comes, or
    until half of the places are empty.
    """

    running: Counter[str] = field(default_factory=Counter[str])
    # Heaps of (rank, arrival, waiter), by stage. No two arrivals are equal, so waiters are never
    # compared. `_places` holds those that have not left.
    _queues: dict[str, list[_Place[W]]] = field(default_factory=dict[str, "list[_Place[W]]"])
    _places: dict[int, _Place[W]] = field(default_factory=dict[int, "_Place[W]"])
    _arrivals: int = 0
    _empty: int = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, waiter: W) -> None:
        """Queue up behind those of the same stage and rank."""
        self._arrivals += 1
        place = (waiter.rank, self._arrivals, waiter)
        self._places[id(waiter)] = place
        heappush(self._queues.setdefault(waiter.stage, []), place)

    def next(self) -> W:
        """The one whose turn it is; ties go to the stage whose first waiter came first."""
        heads = [queue[0] for queue in self._queues.values()]
        if len(heads) == 1:
            return heads[0][2]
        return min(heads, key=lambda place: (self.running[place[2].stage], place[1]))[2]

    def remove(self, waiter: W) -> None:
        """Take away `waiter`, wherever it stands; nothing happens where it is not there."""
        if self._places.pop(id(waiter), None) is not None:
            self._empty += 1
            self._tidy(waiter.stage)

    def all(self) -> list[W]:
        """Everyone who waits."""
        return [waiter for _, _, waiter in self._places.values()]

    def _tidy(self, stage: str) -> None:
        queue = self._queues[stage]
        while queue and not self._waits(queue[0]):
            heappop(queue)
            self._empty -= 1
        if not queue:
            del self._queues[stage]
        if self._empty > len(self._places) + 64:
            for name, places in self._queues.items():
                self._queues[name] = [place for place in places if self._waits(place)]
                heapify(self._queues[name])
            self._empty = 0

    def _waits(self, place: _Place[W]) -> bool:
        return self._places.get(id(place[2])) is place
