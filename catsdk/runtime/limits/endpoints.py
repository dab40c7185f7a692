"""The gates of a client, or of all unnamed clients: one for each endpoint and model."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from catsdk.core.ports import Provider, declared, innermost, name_of
from catsdk.core.sending import Limits, Retry
from catsdk.runtime.limits.gate import Gate

__all__ = ["SHARED", "Extra", "Gates", "PerEndpoint", "endpoint_of", "forget", "identity_of"]

T = TypeVar("T")

_all: weakref.WeakSet[PerEndpoint[Any]] = weakref.WeakSet()


def forget() -> None:
    """Forget what all endpoints share and were found to refuse.

    For a process in which others answer at the same addresses, as in tests; no call may be under
    way.
    """
    for each in _all:
        each.clear()


def endpoint_of(provider: Provider) -> str | None:
    """What tells a service and its model from all others, without secrets; `None` is unknown.

    A provider says it in `endpoint`, or in `base_url` (`None` if that is the vendor's own)
    beside its name.
    """
    endpoint = declared(provider, "endpoint", None)
    if isinstance(endpoint, str):
        return endpoint
    url = declared(provider, "base_url", False)
    if url is not None and not isinstance(url, str):
        return None
    return f"{name_of(provider)} at {_bare(url) if url else 'the vendor'}"


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class PerEndpoint(Generic[T]):
    """Something that the providers of one endpoint and model share.

    An object that names no endpoint has its own, for as long as it lives; what wraps it shares it.
    """

    def __init__(self, make: Callable[[str], T]) -> None:
        """Make gates with `make`, which is given the name of the first provider that asks."""
        self._make = make
        self._lock = Lock()
        self._made: dict[str | int, T] = {}
        _all.add(self)

    def clear(self) -> None:
        """Begin again for every endpoint."""
        with self._lock:
            self._made.clear()

    def of(self, provider: Provider) -> T:
        """The one for `provider`."""
        key = endpoint_of(provider)
        with self._lock:
            if key is None:
                return self._of_object(innermost(provider))
            if key not in self._made:
                self._made[key] = self._make(name_of(provider))
            return self._made[key]

    def _of_object(self, provider: Provider) -> T:
        key = id(provider)
        if key not in self._made:
            made = self._make(name_of(provider))
            try:
                weakref.finalize(provider, self._made.pop, key, None)
            except TypeError:
                # Without a weak reference its end goes unnoticed, and its id may be reused.
                return made
            self._made[key] = made
        return self._made[key]


# This many extra calls are allowed before the share applies, since stragglers may come early.
_AHEAD = 4


@dataclass(slots=True)
class Extra:
    """How many extra requests may be sent: a share of all calls of one endpoint and model."""

    calls: int = 0
    sent: int = 0

    def take(self, share: float) -> bool:
        """Count one extra request, where it is allowed."""
        allowed = self.sent + 1 <= _AHEAD + share * self.calls
        self.sent += allowed
        return allowed


class Gates:
    """One gate for each endpoint and model, with the extra requests that hedging has used."""

    def __init__(self) -> None:
        """Begin with none."""
        self._gates: PerEndpoint[Gate] = PerEndpoint(Gate)
        self._extras: PerEndpoint[Extra] = PerEndpoint(lambda _: Extra())

    def of(self, provider: Provider, limits: Limits, retry: Retry) -> Gate:
        """The gate of `provider`'s endpoint and model, which holds to `limits` from now on."""
        gate = self._gates.of(provider)
        gate.max_retry_after = retry.max_retry_after
        gate.configure(limits)
        return gate

    def extra_of(self, provider: Provider) -> Extra:
        """The count of the extra requests to `provider`'s endpoint and model."""
        return self._extras.of(provider)


SHARED = Gates()
"""The gates of all clients that nobody named: their calls meet, however many clients there are."""

# A provider that names no endpoint shares its answers with no other.
_alone: PerEndpoint[str] = PerEndpoint(lambda name: f"{name} {uuid4()}")


def identity_of(provider: Provider) -> str:
    """What answers of `provider` are kept under: its endpoint, else a name of this object alone."""
    return endpoint_of(provider) or _alone.of(provider)
