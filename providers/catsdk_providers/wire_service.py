"""One HTTP service: its address, its key, its time limit, and a client for each event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

import aiohttp
import anyio
import httpx2
from anyio.lowlevel import RunVar
from pydantic import SecretStr

from catsdk.core.errors import MalformedResponseError, ProviderError
from catsdk_providers.wire_refusals import late
from catsdk_providers.wire_secrets import checked_key, checked_url, scrubbed

__all__ = ["Service"]

# What the transports below the SDKs raise when a call fails, and no SDK maps.
_TRANSPORT_FAILED = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)


class Closable(Protocol):
    """A client of a vendor's SDK."""

    async def close(self) -> None:
        """Close its connections."""
        ...


C = TypeVar("C", bound=Closable)


class Service(Generic[C]):
    """Where the calls of one provider go, and what must hold for each of them.

    Each event loop has its own client, made by `open_client` when it is first used.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        key: str,
        key_from: str,
        headers: Mapping[str, str] | None,
        timeout: float | None,
        open_client: Callable[[Service[C]], Awaitable[C]],
        error_of: Callable[[Exception, str, Sequence[str]], ProviderError],
        sdk_errors: type[Exception],
    ) -> None:
        """`name` is the provider's, for errors; `key_from` says where its key comes from.

        Raises:
            InvalidInputError: the address is no http(s) URL.
            ConfigurationError: the key cannot be one.
        """
        self.name = name
        self.base_url = checked_url(base_url)
        self.key = checked_key(key, key_from)
        self._headers = {name: SecretStr(value) for name, value in (headers or {}).items()}
        self._timeout = timeout
        self._open_client = open_client
        self._error_of = error_of
        self._failed = (sdk_errors, *_TRANSPORT_FAILED)
        self._client: RunVar[C | None] = RunVar("catsdk-client", None)
        self._opening: RunVar[anyio.Lock | None] = RunVar("catsdk-client-opening", None)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that each request has; they may be secret."""
        return {name: value.get_secret_value() for name, value in self._headers.items()}

    def secrets(self) -> list[str]:
        """What no message may show."""
        password = httpx2.URL(self.base_url).password
        return [self.key.get_secret_value(), *self.headers.values(), password]

    def malformed(self, what: str, request_id: str | None) -> ProviderError:
        """The error of a reply that is not of the wire."""
        message = scrubbed(f"{self.name}: {what}", self.secrets())
        return MalformedResponseError(message, model=self.name, status=200, request_id=request_id)

    async def client(self) -> C:
        """The running loop's client."""
        client = self._client.get()
        return await self._opened_once() if client is None else client

    async def _opened_once(self) -> C:
        lock = self._opening.get()
        if lock is None:
            self._opening.set(lock := anyio.Lock())
        # Calls that begin together wait for one client: each costs as much as many calls.
        async with lock:
            client = self._client.get()
            if client is None:
                self._client.set(client := await self._open_client(self))
            return client

    @asynccontextmanager
    async def failing_as_ours(self) -> AsyncGenerator[None]:
        """Turn what the SDK raises inside into catsdk's errors, and end it at the time limit."""
        try:
            with anyio.fail_after(self._timeout):
                yield
        except self._failed as error:
            if isinstance(error.__cause__, ProviderError):
                # Ours already, from the bounds of the reply; some SDKs wrap what a read raises.
                raise error.__cause__ from None
            raise self._error_of(error, self.name, self.secrets()) from None
        except TimeoutError:
            raise late(self.name, self._timeout) from None

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        client = self._client.get()
        if client is not None:
            self._client.set(None)
            await client.close()
