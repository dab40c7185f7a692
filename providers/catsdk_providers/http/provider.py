"""HttpProvider: what every provider of an HTTP service tells of itself, and how it is closed."""

from __future__ import annotations

from typing import Any, Generic, Protocol, Self, TypeVar

from catsdk_providers.http.secrets import hidden, shown
from catsdk_providers.http.service import Service

__all__ = ["HttpProvider"]


class Endpoint(Protocol):
    """Where the calls of a provider go."""

    @property
    def service(self) -> Service[Any]:
        """What holds the connections."""
        ...


E = TypeVar("E", bound=Endpoint)


class HttpProvider(Generic[E]):
    """A model at an endpoint; as an `async with` block it closes its connections at the end."""

    model: str
    _endpoint: E

    def __repr__(self) -> str:
        """Name and endpoint; never a key, nor a password in the URL."""
        return f"{type(self).__name__}({self.model!r}, base_url={shown(self.base_url)!r})"

    @property
    def base_url(self) -> str:
        """The endpoint."""
        return self._endpoint.service.base_url

    def hidden(self, text: str) -> str:
        """Return a text without the key and the other secrets that this provider holds.

        Args:
            text: The text.
        """
        return hidden(text, self._endpoint.service.secrets())

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        await self._endpoint.service.aclose()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()
