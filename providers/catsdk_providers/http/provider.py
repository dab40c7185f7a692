"""HttpProvider: the base of providers of HTTP services: set-up, declarations and closing."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.ports import Capabilities
from catsdk.core.sending import Http
from catsdk_providers.http.quirks import Quirks
from catsdk_providers.http.secrets import hidden, shown
from catsdk_providers.http.service import Connection, Service

__all__ = ["HttpProvider"]


class Endpoint(Protocol):
    """Where the calls of a provider go."""

    @property
    def service(self) -> Service[Any]:
        """What holds the connections."""
        ...


E = TypeVar("E", bound=Endpoint)


class HttpProvider(ABC, Generic[E]):
    """A model at an endpoint; as an `async with` block it closes its connections at the end.

    The key comes from `api_key` or the variable `<KIND>_API_KEY`, the endpoint from `base_url` or
    `<KIND>_BASE_URL`.
    """

    kind: ClassVar[str]
    """The word before the colon of a model string."""
    example: ClassVar[str]
    """A model string, for the error where no model is named."""
    usual: ClassVar[str]
    """The endpoint where none is given."""
    usual_needs_key: ClassVar[bool] = False
    """Whether that endpoint refuses calls without a key."""
    takes: ClassVar[Capabilities]
    """The capabilities where none are declared."""

    def __init__(
        self,
        model: str | None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        capabilities: Capabilities | None = None,
        headers: Mapping[str, str] | None = None,
        http: Http | None = None,
    ) -> None:
        """Choose the model and the endpoint; nothing is sent.

        Args:
            model: The model's name at the service.
            base_url: The endpoint; by default the environment's, else the usual one.
            api_key: The key; by default the environment's, else none is sent.
            timeout: Seconds that a call may take; `None` leaves the limit to the caller.
            capabilities: What the model can do, where that is not the usual.
            headers: Headers that each request has; they may be secret.
            http: How to connect; by default as the environment says.

        Raises:
            InvalidInputError: no model is named, or the endpoint is not an http(s) URL.
            ConfigurationError: the key or a header cannot be one, or the service needs a key and
                there is none.
        """
        if not model:
            raise InvalidInputError(
                f"{self.kind} needs the name of a model, such as {self.example!r}"
            )
        self.model = model
        self.name = f"{self.kind}:{model}"
        variable = self.kind.upper()
        self._connection = Connection(
            base_url=base_url or os.environ.get(f"{variable}_BASE_URL") or self.usual,
            key=api_key or os.environ.get(f"{variable}_API_KEY") or "",
            key_from=f"{variable}_API_KEY",
            headers=headers,
            timeout=timeout,
            http=http,
        )
        self._endpoint = self._open_endpoint(self._connection)
        if self.usual_needs_key and not self._endpoint.service.key and self.base_url == self.usual:
            raise ConfigurationError(
                f"{self.name} needs a key: set {variable}_API_KEY, or {variable}_BASE_URL for an"
                " endpoint that needs none"
            )
        self._declared = capabilities or self.takes
        self._quirks = Quirks(self.base_url, model)

    @abstractmethod
    def _open_endpoint(self, connection: Connection) -> E:
        """Create the endpoint for the calls; nothing is sent."""

    def __repr__(self) -> str:
        """Name and endpoint; never a key, nor a password in the URL."""
        return f"{type(self).__name__}({self.model!r}, base_url={shown(self.base_url)!r})"

    @property
    def base_url(self) -> str:
        """The endpoint."""
        return self._endpoint.service.base_url

    @property
    def capabilities(self) -> Capabilities:
        """What was declared, less what the endpoint has refused."""
        return self._quirks.within(self._declared)

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
