"""LoopbackServer: a chat-completions endpoint on this machine, with weather and faults on demand."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Self

import anyio
from aiohttp import web
from anyio import to_thread
from anyio.from_thread import start_blocking_portal

from catsdk.core.ports import Provider
from catsdk.testing.chat_wire import (
    FAULTS,
    Fault,
    chunks_of,
    error_body,
    reply_of,
    request_of,
)

__all__ = ["Counters", "LoopbackServer", "Weather"]

TakesN = Literal["all", "refuses", "ignores"]
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Weather:
    """How the server behaves by chance, under `seed`; times are in seconds, shares in 0..1."""

    latency: float = 0.0
    jitter: float = 0.0
    straggler_share: float = 0.0
    straggler_factor: float = 10.0
    rate_limited_share: float = 0.0
    retry_after: float = 1.0
    failing_share: float = 0.0
    seed: int = 0


@dataclass
class Counters:
    """What the server saw. `in_flight_peak` counts requests that were served at once."""

    requests: int = 0
    in_flight: int = 0
    in_flight_peak: int = 0
    cancelled: int = 0
    completions: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])


class LoopbackServer:
    """Serves `provider` over HTTP on 127.0.0.1, in an event loop of its own thread.

    Use it as `with` or `async with LoopbackServer(provider) as server`, and send requests to `server.url` with
    `server.key`, for a model named `server.model`. `fail_next` scripts faults for the requests
    to come, before the weather has its say. `payloads` keeps the last bodies that were received.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        model: str = "loopback",
        key: str = "sk-loopback-key",
        takes_n: TakesN = "all",
        weather: Weather = Weather(),
    ) -> None:
        """Choose what is served; nothing listens yet."""
        self.model, self.key, self.takes_n, self.weather = model, key, takes_n, weather
        self.counters = Counters()
        self.payloads: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.url = ""
        self._provider = provider
        self._random = Random(weather.seed)
        self._faults: deque[Fault] = deque()
        self._exits = ExitStack()

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
        counters = self.counters
        counters.requests += 1
        counters.in_flight += 1
        counters.in_flight_peak = max(counters.in_flight_peak, counters.in_flight)
        try:
            response = await self._respond(http)
        except anyio.get_cancelled_exc_class():
            counters.cancelled += 1
            raise
        finally:
            counters.in_flight -= 1
        counters.statuses[response.status] += 1
        return response

    async def _respond(self, http: web.Request) -> web.StreamResponse:
        payload: dict[str, Any] = json.loads(await http.read())
        self.payloads.append(payload)
        await anyio.sleep(self._latency())
        fault = self._fault(http, payload)
        if fault in {"reset", "hang"}:
            return await self._vanish(http, hang=fault == "hang")
        if fault is not None and fault != "cut":
            status, body, headers = error_body(fault, retry_after=self.weather.retry_after)
            return web.Response(status=status, body=body, headers=headers)
        request = request_of(payload)
        if self.takes_n == "ignores":
            request = request.model_copy(update={"n": 1})
        completions = await self._provider.complete(request)
        self.counters.completions += len(completions)
        if payload.get("stream"):
            return await self._stream(http, chunks_of(completions, self.model), cut=fault == "cut")
        chosen = payload.get("tool_choice")
        tool = chosen["function"]["name"] if isinstance(chosen, dict) else None
        reply = reply_of(completions, self.model, tool)
        if fault == "cut":
            return await self._cut(http, reply)
        return web.json_response(reply, headers={"x-request-id": self._request_id()})

    def _fault(self, http: web.Request, payload: dict[str, Any]) -> Fault | None:
        if http.headers.get("authorization") != f"Bearer {self.key}":
            return "401"
        if payload.get("model") != self.model:
            return "404"
        if self._faults:
            return self._faults.popleft()
        if self.takes_n == "refuses" and payload.get("n", 1) != 1:
            return "no_n"
        chance = self._random.random()
        if chance < self.weather.rate_limited_share:
            return "429"
        return "500" if chance > 1 - self.weather.failing_share else None

    def _latency(self) -> float:
        weather = self.weather
        seconds = weather.latency * (1 + weather.jitter * self._random.uniform(-1, 1))
        straggles = self._random.random() < weather.straggler_share
        return seconds * (weather.straggler_factor if straggles else 1)

    def _request_id(self) -> str:
        return f"req-{self.counters.requests}"

    async def _vanish(self, http: web.Request, *, hang: bool) -> web.StreamResponse:
        if hang:
            await anyio.sleep_forever()
        _abort(http)
        return web.Response(status=500)

    async def _cut(self, http: web.Request, reply: object) -> web.StreamResponse:
        whole = json.dumps(reply).encode()
        response = web.StreamResponse(headers={"content-type": "application/json"})
        response.content_length = len(whole)
        await response.prepare(http)
        await response.write(whole[: len(whole) // 2])
        _abort(http)
        return response

    async def _stream(
        self, http: web.Request, chunks: list[dict[str, Any]], *, cut: bool
    ) -> web.StreamResponse:
        headers = {"content-type": "text/event-stream", "x-request-id": self._request_id()}
        response = web.StreamResponse(headers=headers)
        await response.prepare(http)
        for chunk in chunks[: len(chunks) // 2] if cut else chunks:
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if cut:
            _abort(http)
            return response
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def _abort(http: web.Request) -> None:
    if http.transport is not None:
        http.transport.abort()
