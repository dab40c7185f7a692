"""LoopbackServer: a chat-completions endpoint on this machine, with weather and faults on demand."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, Self

import anyio
from aiohttp import web
from anyio import to_thread
from anyio.from_thread import start_blocking_portal

from catsdk.core.ports import Provider
from catsdk.core.types import Usage
from catsdk.testing.chat_wire import (
    FAULTS,
    Fault,
    chunks_of,
    error_body,
    reply_of,
    request_of,
)
from catsdk.testing.manners import cut, endless, streamed, trickle, vanish
from catsdk.testing.weather import CALM, Chance, Weather

__all__ = ["Counters", "LoopbackServer", "Served", "Weather"]

TakesN = Literal["all", "refuses", "ignores"]
KEPT = 20_000
# Faults of an answer that the model gave; the others are told without asking it.
_ANSWERED: set[Fault] = {"cut", "trickle", "mistyped"}


@dataclass
class Counters:
    """What the server saw. `in_flight_peak` counts requests that were served at once.

    `usage` adds up the answers that were sent whole.
    """

    requests: int = 0
    in_flight: int = 0
    in_flight_peak: int = 0
    cancelled: int = 0
    completions: int = 0
    usage: Usage = field(default_factory=Usage)
    statuses: Counter[int] = field(default_factory=Counter[int])


@dataclass(slots=True)
class Served:
    """One request: times in seconds of the machine's monotonic clock, and what it met.

    `status` and `ended` are `None` while it is being served, `status` also where the reader went
    away first. `usage` is that of an answer that was sent whole.
    """

    began: float
    ended: float | None = None
    latency: float = 0.0
    fault: Fault | None = None
    status: int | None = None
    usage: Usage | None = None
    payload: dict[str, Any] | None = field(default=None, repr=False)


class LoopbackServer:
    """Serves `provider` over HTTP on 127.0.0.1, in an event loop of its own thread.

    Use it as `with` or `async with LoopbackServer(provider) as server`, and send requests to
    `server.url` with `server.key`, for a model named `server.model`. `fail_next` scripts faults
    for the requests to come, before the weather has its say. `served` keeps the last requests and
    what became of them, `payloads` gives their bodies.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        model: str = "loopback",
        key: str = "sk-loopback-key",
        takes_n: TakesN = "all",
        weather: Weather = CALM,
    ) -> None:
        """Choose what is served; nothing listens yet."""
        self.model, self.key, self.takes_n = model, key, takes_n
        self.served: deque[Served] = deque(maxlen=KEPT)
        self.url = ""
        self._provider = provider
        self._faults: deque[Fault] = deque()
        self._exits = ExitStack()
        self.change(weather)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The bodies of the last requests, in the order in which they came."""
        return [served.payload for served in self.served if served.payload is not None]

    def change(self, weather: Weather) -> None:
        """Let the weather turn: from now on by `weather`, with counters and lists at nothing."""
        self.weather, self._chance, self.counters = weather, Chance(weather), Counters()
        self.served.clear()

    def fail_next(self, *faults: Fault) -> None:
        """Let the next requests fail so, one fault each."""
        unknown = [fault for fault in faults if fault not in FAULTS]
        if unknown:
            raise ValueError(f"unknown faults {unknown}; known: {', '.join(FAULTS)}")
        self._faults.extend(faults)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        with ExitStack() as exits:
            portal = exits.enter_context(start_blocking_portal("asyncio"))
            serving: AbstractContextManager[str] = portal.wrap_async_context_manager(
                self._serving()
            )
            self.url = exits.enter_context(serving)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening and end what is being served."""
        self._exits.close()

    async def __aenter__(self) -> Self:
        """Listen on a free port, without blocking the loop meanwhile."""
        return await to_thread.run_sync(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and end what is being served."""
        await to_thread.run_sync(self._exits.close)

    @asynccontextmanager
    async def _serving(self) -> AsyncGenerator[str]:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}/v1"
        finally:
            await runner.cleanup()

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        counters, served = self.counters, Served(began=monotonic())
        self.served.append(served)
        counters.requests += 1
        counters.in_flight += 1
        counters.in_flight_peak = max(counters.in_flight_peak, counters.in_flight)
        try:
            response = await self._respond(http, served)
        except anyio.get_cancelled_exc_class():
            counters.cancelled += 1
            raise
        finally:
            counters.in_flight -= 1
            served.ended = monotonic()
        served.status = response.status
        counters.usage += served.usage or Usage()
        counters.statuses[response.status] += 1
        return response

    async def _respond(self, http: web.Request, served: Served) -> web.StreamResponse:
        payload: dict[str, Any] = json.loads(await http.read())
        served.payload = payload
        forecast = self._chance.draw(payload)
        served.latency = forecast.latency
        await anyio.sleep(forecast.latency)
        served.fault = fault = self._fault(http, payload, forecast.fault)
        if fault in {"reset", "hang"}:
            return await vanish(http, hang=fault == "hang")
        if fault == "endless":
            return await endless(http)
        if fault is not None and fault not in _ANSWERED:
            status, body, headers = error_body(fault, retry_after=self.weather.retry_after)
            return web.Response(status=status, body=body, headers=headers)
        return await self._reply(http, payload, served)

    async def _reply(
        self, http: web.Request, payload: dict[str, Any], served: Served
    ) -> web.StreamResponse:
        request = request_of(payload)
        if self.takes_n == "ignores":
            request = request.model_copy(update={"n": 1})
        completions = await self._provider.complete(request)
        self.counters.completions += len(completions)
        headers = {"x-request-id": f"req-{self.counters.requests}"}
        fault = served.fault
        if fault is None or fault == "mistyped":
            served.usage = Usage.total(completion.usage for completion in completions)
        if payload.get("stream"):
            chunks = chunks_of(completions, self.model)
            return await streamed(http, chunks, headers, broken=fault in {"cut", "trickle"})
        chosen = payload.get("tool_choice")
        tool = chosen["function"]["name"] if isinstance(chosen, dict) else None
        reply = reply_of(completions, self.model, tool)
        if fault == "cut":
            return await cut(http, reply)
        if fault == "trickle":
            return await trickle(http, reply)
        kind = "text/html" if fault == "mistyped" else "application/json"
        return web.json_response(reply, headers=headers, content_type=kind)

    def _fault(
        self, http: web.Request, payload: dict[str, Any], chance: Fault | None
    ) -> Fault | None:
        if http.headers.get("authorization") != f"Bearer {self.key}":
            return "401"
        if payload.get("model") != self.model:
            return "404"
        if self._faults:
            return self._faults.popleft()
        if self.takes_n == "refuses" and payload.get("n", 1) != 1:
            return "no_n"
        return chance
