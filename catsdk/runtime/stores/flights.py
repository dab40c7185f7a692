"""Equal requests in flight are sent once: who leads, who follows, and what becomes of followers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio
from anyio.lowlevel import RunVar

from catsdk.core.errors import ProviderError
from catsdk.core.types import Completion

__all__ = ["Flight", "Flights"]


@dataclass(slots=True, eq=False)
class Flight:
    """One answer that is being fetched by a leader.

    It lands with an answer, with the service's error, or with neither, when the leader gave up
    for reasons of its own; then a follower must fetch it.
    """

    landed: anyio.Event = field(default_factory=anyio.Event)
    answer: Completion | None = None
    error: ProviderError | None = None


class Flights:
    """The flights of each event loop, by key."""

    def __init__(self) -> None:
        """Begin with none."""
        self._of_loop: RunVar[dict[str, Flight]] = RunVar("catsdk-flights")

    def claim(self, keys: Iterable[str]) -> tuple[dict[str, Flight], dict[str, Flight]]:
        """Give new flights for the keys that nobody fetches, and the others' for the rest."""
        flights = self._flights()
        led: dict[str, Flight] = {}
        followed: dict[str, Flight] = {}
        for key in keys:
            if key in flights:
                followed[key] = flights[key]
            else:
                led[key] = flights[key] = Flight()
        return led, followed

    def land(self, key: str, flight: Flight, answer: Completion) -> None:
        """Give the followers of `flight` their answer."""
        flight.answer = answer
        self._end(key, flight)

    def fail(self, key: str, flight: Flight, error: ProviderError | None) -> None:
        """Tell the followers of `flight` that there is none; does nothing where it has landed."""
        if not flight.landed.is_set():
            flight.error = error
            self._end(key, flight)

    def _end(self, key: str, flight: Flight) -> None:
        del self._flights()[key]
        flight.landed.set()

    def _flights(self) -> dict[str, Flight]:
        try:
            return self._of_loop.get()
        except LookupError:
            flights: dict[str, Flight] = {}
            self._of_loop.set(flights)
            return flights
