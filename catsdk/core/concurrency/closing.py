"""The base of iterators that can be stopped early: `async with` ends the work behind them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

__all__ = ["StopsEarly"]


class StopsEarly(ABC):
    """Work that goes on while it is read; leaving its block, or `aclose`, ends it."""

    async def __aenter__(self) -> Self:
        """Enter a block; the work is stopped at its end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the work."""
        await self.aclose()

    @abstractmethod
    async def aclose(self) -> None:
        """Stop the work, with the calls that are in flight."""
