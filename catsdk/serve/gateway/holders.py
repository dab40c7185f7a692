"""What each holder of a key may use: a budget, a rate, and a cache of their own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from catsdk.core.display.counting import counted
from catsdk.core.ports import Provider
from catsdk.core.sending import Cache
from catsdk.runtime.limits.endpoints import identity_of
from catsdk.runtime.spending.account import Account
from catsdk.runtime.stores.named import store_of
from catsdk.runtime.wrappers.cache import Caching
from catsdk.serve.gateway.config import Key
from catsdk.serve.site.problems import Problem

__all__ = ["Holder", "Holders"]

_MINUTE = 60.0


@dataclass(eq=False)
class Holder:
    """One who asks.

    Args:
        name: His name; empty where there are no keys.
        key: What the operator allows him.
        cache: Where answers are kept.
        clock: Gives the time, in seconds.
    """

    name: str = ""
    key: Key | None = None
    cache: Cache | None = None
    clock: Callable[[], float] = time.monotonic
    accounts: tuple[Account, ...] = field(init=False, default=())
    _asked: deque[float] = field(init=False, default_factory=deque[float])

    def __post_init__(self) -> None:
        """Start with nothing spent."""
        budget = None if self.key is None else self.key.budget
        self.accounts = () if budget is None else (Account(budget),)

    @property
    def around(self) -> tuple[Callable[[Provider], Provider], ...]:
        """What is put around each model that he asks."""
        return () if self.cache is None else (self._kept,)

    def admit(self) -> None:
        """Count one request.

        Raises:
            Problem: he has asked too often in the last minute.
        """
        most = None if self.key is None else self.key.requests_per_minute
        if most is None:
            return
        now = self.clock()
        while self._asked and self._asked[0] <= now - _MINUTE:
            self._asked.popleft()
        if len(self._asked) >= most:
            wait = self._asked[0] + _MINUTE - now
            message = f"the key allows {counted(most, 'request')} a minute"
            raise Problem(429, message, "rate_limit_exceeded", wait)
        self._asked.append(now)

    def _kept(self, provider: Provider) -> Provider:
        assert self.cache is not None
        # Separate caches, so that no holder can find out what another one has asked.
        identity = f"{self.name}\0{identity_of(provider)}"
        return Caching(provider, identity, store_of(self.cache))


class Holders:
    """Those who may ask, by name.

    Args:
        keys: What the operator allows each.
        cache: Where answers are kept, for each by himself.
    """

    def __init__(self, keys: Mapping[str, Key], cache: Cache | None) -> None:
        """Start without requests."""
        self._known = {name: Holder(name, key, cache) for name, key in keys.items()}
        self._nobody = Holder(cache=cache)

    def of(self, name: str) -> Holder:
        """Return who has that name.

        Args:
            name: The name that the guard found; empty without keys.
        """
        return self._known.get(name, self._nobody)
