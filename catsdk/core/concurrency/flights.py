"""Shares equal work in flight: the first caller does it, and later ones wait for its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
from anyio.lowlevel import current_token

__all__ = ["Flight", "Flights"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True, eq=False)
class Flight(Generic[V]):
    """One result that is being made by a leader.

    It lands with a value, with an error, or with neither, when the leader gave up for reasons of
    its own; then a follower must make it.
    """

    loop: object
    """The event loop that it is made in."""
    value: V | None = None
    error: Exception | None = None
    has_landed: bool = False
    _landing: anyio.Event | None = None

    async def landed(self) -> None:
        """Wait until it lands."""
        if self.has_landed:
            return
        # Created only for followers, since most flights have none.
        if self._landing is None:
            self._landing = anyio.Event()
        await self._landing.wait()

    def land(self) -> None:
        """Wake those who wait."""
        self.has_landed = True
        if self._landing is not None:
            self._landing.set()


class Flights(Generic[K, V]):
    """The flights of each event loop, by key; no value is `None`."""

    def __init__(self) -> None:
        """Start without flights."""
        self._flights: dict[tuple[object, K], Flight[V]] = {}

    async def once(self, key: K, make: Callable[[], Awaitable[V]]) -> tuple[V, bool]:
        """Make the value for `key`, or wait for who makes it; whether another one made it.

        When the task that makes it is cancelled or fails, one of those that wait makes it anew.
        """
        while True:
            led, followed = self.claim([key])
            if led:
                try:
                    value = await make()
                    self.land(key, led[key], value)
                    return value, False
                finally:
                    self.fail(key, led[key])
            flight = followed[key]
            await flight.landed()
            if flight.value is not None:
                return flight.value, True

    def claim(self, keys: Iterable[K]) -> tuple[dict[K, Flight[V]], dict[K, Flight[V]]]:
        """Give new flights for the keys that nobody works on, and the others' for the rest.

        The caller leads the new ones, and must `land` or `fail` each.
        """
        loop = current_token()
        led: dict[K, Flight[V]] = {}
        followed: dict[K, Flight[V]] = {}
        for key in keys:
            flight = self._flights.get((loop, key))
            if flight is not None:
                followed[key] = flight
            else:
                led[key] = self._flights[loop, key] = Flight(loop)
        return led, followed

    def land(self, key: K, flight: Flight[V], value: V) -> None:
        """Give the followers of `flight` their value."""
        flight.value = value
        self._end(key, flight)

    def fail(self, key: K, flight: Flight[V], error: Exception | None = None) -> None:
        """Tell the followers of `flight` that there is none; does nothing where it has landed."""
        if not flight.has_landed:
            flight.error = error
            self._end(key, flight)

    def _end(self, key: K, flight: Flight[V]) -> None:
        del self._flights[flight.loop, key]
        flight.land()
