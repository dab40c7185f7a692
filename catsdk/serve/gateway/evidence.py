"""Stores the results that clients asked to keep, each for the holder of the key."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Result
from catsdk.runs.store import RunStore

__all__ = ["Evidence"]

_KIND = "product"


class Evidence:
    """Keeps whole results, with every rollout and call, in a run store."""

    def __init__(self, store: RunStore | None) -> None:
        """Keep results in `store`, which is open; without one, nothing can be kept."""
        self._store = store

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: str | None) -> AsyncGenerator[Self]:
        """Open the file, if there is to be one.

        Args:
            path: The file.

        Raises:
            ConfigurationError: another process writes it, or it cannot be opened.
        """
        if path is None:
            yield cls(None)
            return
        async with RunStore(path) as store:
            yield cls(store)

    def check(self) -> None:
        """Refuse to promise what cannot be done.

        Raises:
            InvalidInputError: nothing can be kept.
        """
        if self._store is None:
            raise InvalidInputError("cat.keep is set, and this gateway keeps no evidence")

    async def keep(self, holder: str, run: str, result: Result) -> None:
        """Keep a result; it is in the file when this returns.

        Args:
            holder: Who asked.
            run: The run's name.
            result: What came of it.
        """
        if self._store is not None:
            await self._store.put(_KIND, _key(holder, run), result.model_dump_json())

    async def find(self, holder: str, run: str) -> str | None:
        """Return a result as JSON; `None` if the holder has none of that name.

        Args:
            holder: Who asks.
            run: The run's name.
        """
        return None if self._store is None else await self._store.get(_KIND, _key(holder, run))


def _key(holder: str, run: str) -> str:
    # Names of runs have no slash.
    return f"{run}/{holder}"
