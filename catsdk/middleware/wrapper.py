"""What every wrapper of a provider has: the wrapped one, and its declarations passed through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.ports import (
    Capabilities,
    OnText,
    Provider,
    capabilities_of,
    name_of,
    tokens_of,
)
from catsdk.core.types import Completion, Request

__all__ = ["Wrapper", "unwrapped"]


@dataclass
class Wrapper:
    """A provider around another one; by itself it changes nothing."""

    wrapped: Provider

    @property
    def name(self) -> str:
        """The wrapped provider's name."""
        return name_of(self.wrapped)

    @property
    def capabilities(self) -> Capabilities:
        """The wrapped provider's capabilities, as they are known now."""
        return capabilities_of(self.wrapped)

    def count_tokens(self, text: str) -> int:
        """The wrapped provider's count, or its estimate."""
        return tokens_of(self.wrapped, text)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on."""
        return await self.wrapped.complete(request, on_text)


def unwrapped(provider: Provider) -> Provider:
    """The provider inside of all wrappers."""
    while isinstance(provider, Wrapper):
        provider = provider.wrapped
    return provider
