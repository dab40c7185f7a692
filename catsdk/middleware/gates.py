"""The gates of this process: one for each endpoint and model, whoever opened it and how often."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from catsdk.core.ports import Provider, name_of
from catsdk.middleware.gate import Gate, Limits

__all__ = ["PerEndpoint", "endpoint_of", "gate_of", "identity_of"]

T = TypeVar("T")


def endpoint_of(provider: Provider) -> str | None:
    """What tells a service and its model from all others, without secrets; `None` is unknown.

    A provider says it in `endpoint`, or in `base_url` (`None` where that is the vendor's own)
    beside its name.
    """
    declared = getattr(provider, "endpoint", None)
    if isinstance(declared, str):
        return declared
    url = getattr(provider, "base_url", False)
    if url is not None and not isinstance(url, str):
        return None
    return f"{name_of(provider)} at {_bare(url) if url else 'the vendor'}"


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class PerEndpoint(Generic[T]):
    """Something that the providers of one endpoint and model share.

    An object that names no endpoint has its own, for as long as it lives.
    """

    def __init__(self, make: Callable[[str], T]) -> None:
        """`make` is given the name of the first provider that asks."""
        self._make = make
        self._lock = Lock()
        self._made: dict[str | int, T] = {}

    def of(self, provider: Provider) -> T:
        """The one for `provider`."""
        key = endpoint_of(provider)
        with self._lock:
            if key is None:
                return self._of_object(provider)
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
                # It cannot be watched, and its id may come to be another's.
                return made
            self._made[key] = made
        return self._made[key]


_gates: PerEndpoint[Gate] = PerEndpoint(Gate)
# An object that names no endpoint shares its answers with nobody.
_alone: PerEndpoint[str] = PerEndpoint(lambda name: f"{name} {uuid4()}")


def gate_of(provider: Provider, limits: Limits) -> Gate:
    """The gate of `provider`'s endpoint and model, holding to `limits` from now on."""
    gate = _gates.of(provider)
    gate.configure(limits)
    return gate


def identity_of(provider: Provider) -> str:
    """What answers of `provider` are kept under: its endpoint, else a name of this object alone."""
    return endpoint_of(provider) or _alone.of(provider)
