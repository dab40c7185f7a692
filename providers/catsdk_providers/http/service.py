"""One HTTP service: its address, its key, its time limit, and a client for each event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import aiohttp
import anyio
import httpx2
from anyio.lowlevel import RunVar

from catsdk.core.errors import (
    CatError,
    MalformedResponseError,
    ProviderError,
    RequestRefusedError,
)
from catsdk.core.sending import Http
from catsdk_providers.http.refusals import Place, broken, late
from catsdk_providers.http.secrets import checked_headers, checked_key, checked_url, secrets_in

__all__ = ["C", "CallerFailed", "Connection", "Service"]

# Errors of the transports below the SDKs that no SDK maps.
_TRANSPORT_FAILED = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    OSError,
)


class CallerFailed(Exception):
    """What the caller's own `on_text` raised in the middle of a call: passed on as it is."""

    def __init__(self, error: Exception) -> None:
        """Keep the error."""
        super().__init__(str(error))
        self.error = error


class Closable(Protocol):
    """A client of a vendor's SDK."""

    async def close(self) -> None:
        """Close its connections."""
        ...


C = TypeVar("C", bound=Closable)


class Failing:
    """A block in which errors become `ours`, and that ends after so many seconds.

    A class, since the generator of a context manager would cost more than what is done here.
    """

    __slots__ = ("_ours", "_scope")

    def __init__(self, ours: Callable[[Exception], Exception], seconds: float | None) -> None:
        """Without `seconds` the caller limits the time."""
        self._ours = ours
        self._scope = None if seconds is None else anyio.move_on_after(seconds)

    async def __aenter__(self) -> None:
        """Begin."""
        if self._scope is not None:
            self._scope.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; raises what `ours` makes of an error."""
        if self._scope is not None:
            self._scope.__exit__(kind, error, trace)
            if self._scope.cancelled_caught:
                raise self._ours(TimeoutError())
        if isinstance(error, Exception):
            raised = self._ours(error)
            if raised is not error:
                raise raised from None


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How a provider reaches its service, and what each of its calls takes along.

    Args:
        base_url: The address.
        key: The key; empty for none.
        key_from: Where the key comes from, for errors.
        headers: Headers that each request has; they may be secret.
        timeout: Seconds that a call may take; `None` leaves the limit to the caller.
        http: How to connect; by default as the environment says.
    """

    base_url: str
    key: str = field(repr=False)
    key_from: str
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    timeout: float | None = None
    http: Http | None = None


class Service(Generic[C]):
    """Where the calls of one provider go, and what must hold for each of them.

    Each event loop has its own client, made by `open_client` when it is first used.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        open_client: Callable[[Service[C]], Awaitable[C]],
        sdk_errors: type[Exception],
    ) -> None:
        """`name` is the provider's, for errors.

        Raises:
            InvalidInputError: the address is not an http(s) URL, or has a query.
            ConfigurationError: the key or a header cannot be one.
        """
        self.name = name
        self._connection = connection
        self.base_url = checked_url(connection.base_url)
        self.key = checked_key(connection.key, connection.key_from)
        self._headers = checked_headers(connection.headers)
        self._secrets = secrets_in(self.key.get_secret_value(), self.headers, self.base_url)
        self._timeout = connection.timeout
        self.http = connection.http or Http()
        self._open_client = open_client
        self._sdk_errors = sdk_errors
        self._client: RunVar[C | None] = RunVar("catsdk-client", None)
        self._opening: RunVar[anyio.Lock | None] = RunVar("catsdk-client-opening", None)

    def again(self, open_client: Callable[[Service[Any]], Awaitable[Any]]) -> Service[Any]:
        """The same service, reached by clients of its own."""
        return Service(
            self.name, self._connection, open_client=open_client, sdk_errors=self._sdk_errors
        )

    @property
    def headers(self) -> dict[str, str]:
        """The headers that each request has; they may be secret."""
        return {name: value.get_secret_value() for name, value in self._headers.items()}

    def secrets(self) -> list[str]:
        """What no message may show."""
        return self._secrets

    def place(self, request_id: str | None = None) -> Place:
        """Where a call goes, for its errors."""
        return Place(self.name, self._secrets, request_id)

    def malformed(self, what: str, request_id: str | None) -> ProviderError:
        """The error of a reply that is not of the wire."""
        return self.place(request_id).error(MalformedResponseError, what, 200)

    async def client(self) -> C:
        """The running loop's client."""
        client = self._client.get()
        return await self._opened_once() if client is None else client

    async def _opened_once(self) -> C:
        lock = self._opening.get()
        if lock is None:
            self._opening.set(lock := anyio.Lock())
        # Concurrent first calls wait for one client: creating one costs as much as many calls.
        async with lock:
            client = self._client.get()
            if client is None:
                self._client.set(client := await self._open_client(self))
            return client

    def failing_as_ours(self) -> Failing:
        """Turn whatever is raised inside into catsdk's errors, and end it at the time limit.

        A hostile reply can make a vendor's code raise anything; it is the failure of this call.
        """
        return Failing(self.ours, self._timeout)

    def ours(self, error: Exception) -> Exception:
        """What the caller sees of `error`, which was raised in a call."""
        if isinstance(error, CallerFailed):
            return error.error
        if isinstance(error, CatError):
            return error
        if isinstance(error, TimeoutError):
            return late(self.name, self._timeout)
        return self._failure(error)

    def _failure(self, error: Exception) -> ProviderError:
        cause = error.__cause__
        if isinstance(cause, ProviderError):
            # Ours already, from the bounds of the reply; some SDKs wrap what a read raises.
            return cause
        if isinstance(cause or error, httpx2.TooManyRedirects):
            return self.place().error(
                RequestRefusedError, "the service redirects in a circle; look at base_url"
            )
        if isinstance(error, self._sdk_errors):
            return broken(cause or error, self.place())
        if isinstance(error, _TRANSPORT_FAILED):
            return broken(error, self.place())
        return self.malformed(
            f"the reply could not be read ({type(error).__name__}: {str(error)[:200]})", None
        )

    def sdk_settings(self) -> dict[str, Any]:
        """The settings of a vendor's client that are the same for each: who, where, no retries."""
        return {
            # The SDKs look for one elsewhere when they are given none; a service may need none.
            "api_key": self.key.get_secret_value() or "none",
            "base_url": self.base_url,
            "max_retries": 0,
            "timeout": None,
            "default_headers": {"Accept-Encoding": "identity", **self.headers},
        }

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        client = self._client.get()
        if client is not None:
            self._client.set(None)
            await client.close()
