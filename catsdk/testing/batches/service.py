"""What the server's sides of both batch APIs share: keys, routes, pages and downloads."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, ClassVar, Literal

from aiohttp import web

from catsdk.testing.batches.desk import BatchDesk, ServedBatch
from catsdk.testing.wire import Wire

__all__ = ["BatchService", "Handler"]

Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]

# Fewer than may be asked for, so that readers must page.
_PAGE = 20


class BatchService(ABC):
    """The handlers of one batch API, over a desk.

    Args:
        desk: What keeps the batches.
        model: The model that requests must ask for.
        key: The key that they must carry.
    """

    wire: ClassVar[Wire]
    """Where the key is found, and what requests and replies look like."""
    after: ClassVar[str]
    """The parameter of a list that names the last batch of the page before."""
    errors: ClassVar[Mapping[Literal["key", "missing", "over"], tuple[int, str, str]]]
    """Status, kind and message where the key is wrong, a batch is missing, or it has ended."""

    def __init__(self, desk: BatchDesk, model: str, key: str) -> None:
        """Choose what is served."""
        self.desk, self.model, self.key = desk, model, key

    @abstractmethod
    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Method, path and handler of each thing that can be asked."""

    @abstractmethod
    def error(self, status: int, kind: str, message: str) -> web.Response:
        """An error as the API writes it."""

    @abstractmethod
    def told(self, batch: ServedBatch, http: web.Request) -> dict[str, Any]:
        """The API's description of a batch."""

    def add_to(self, app: web.Application) -> None:
        """Serve the API."""
        for method, path, handler in self.routes():
            app.router.add_route(method, path, self._keyed(handler))

    def _keyed(self, handler: Handler) -> Handler:
        """Check the key; a handler cuts the connection by raising `ConnectionResetError`."""

        async def checked(http: web.Request) -> web.StreamResponse:
            if self.wire.key_of(http.headers) != self.key:
                return self.error(*self.errors["key"])
            try:
                return await handler(http)
            except ConnectionResetError:
                if http.transport is not None:
                    http.transport.abort()
                return web.Response(status=500)

        return checked

    def page(self, http: web.Request) -> tuple[list[ServedBatch], bool]:
        """The batches of the page that is asked for, newest first, and whether there are more."""
        self.desk.step("list")
        batches = list(reversed(self.desk.batches.values())) if self.desk.weather.listed else []
        after = http.query.get(self.after)
        if after is not None:
            batches = batches[[each.id for each in batches].index(after) + 1 :]
        page = batches[: min(int(http.query.get("limit", _PAGE)), _PAGE)]
        return page, len(page) < len(batches)

    async def retrieve(self, http: web.Request) -> web.StreamResponse:
        """Report how far a batch has got."""
        batch = self.desk.batches.get(http.match_info["id"])
        if batch is None:
            return self.error(*self.errors["missing"])
        self.desk.step("poll")
        await self.desk.ask(batch, self.wire)
        return web.json_response(self.told(batch, http))

    async def cancel(self, http: web.Request) -> web.StreamResponse:
        """End a batch."""
        batch = self.desk.batches[http.match_info["id"]]
        self.desk.step("cancel")
        if batch.status != "working":
            return self.error(*self.errors["over"])
        await self.desk.cancel(batch, self.wire)
        return web.json_response(self.told(batch, http))

    async def download(
        self, http: web.Request, lines: Iterable[Mapping[str, Any]], kind: str | None = None
    ) -> web.StreamResponse:
        """Send lines of JSON, or half of them if this download is to be cut."""
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        response = web.StreamResponse(headers={"content-type": kind} if kind else None)
        response.content_length = len(content)
        await response.prepare(http)
        if self.desk.cuts():
            await response.write(content[: len(content) // 2])
            raise ConnectionResetError
        await response.write(content)
        self.desk.step("downloaded")
        return response
