"""LoopbackServer: the vendors' APIs on this machine, with faults on demand."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Literal, Self

import anyio
from aiohttp import web
from anyio import to_thread
from anyio.from_thread import start_blocking_portal

from catsdk.core.concurrency.bell import Bell
from catsdk.core.ports import Provider
from catsdk.core.types import Usage
from catsdk.testing.batches.desk import BatchDesk
from catsdk.testing.batches.files_wire import FilesAndBatches
from catsdk.testing.batches.message_batches import MessageBatches
from catsdk.testing.batches.weather import BatchWeather
from catsdk.testing.chat_wire import CHAT
from catsdk.testing.delivery import Delivery
from catsdk.testing.messages_wire import MESSAGES
from catsdk.testing.weather import CALM, Chance, Weather
from catsdk.testing.wire import FAULTS, Answer, Fault, RawReply, Refusal, Wire

__all__ = ["Counters", "LoopbackServer", "RawReply", "Served", "Weather"]

TakesN = Literal["all", "refuses", "ignores"]
KEPT = 20_000


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
    """One request: its times, in seconds of the monotonic clock, and its outcome.

    `status` and `ended` are `None` while it is being served, `status` also where the reader went
    away first. `usage` is that of an answer that was sent whole. The names of `headers` are in
    lower case.
    """

    began: float
    ended: float | None = None
    latency: float = 0.0
    fault: Fault | None = None
    status: int | None = None
    usage: Usage | None = None
    payload: dict[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


class LoopbackServer:
    r"""Serves a provider over HTTP on 127.0.0.1, in an event loop of its own thread.

    It speaks OpenAI's chat completions and Anthropic's messages, and the batches of both, which are
    kept in `batches`. Send requests to `url` with `key`, for a model named `model`. `answer` may
    give any reply of its own to a request that has the key. `served` keeps the last requests and
    what became of them, `payloads` gives their bodies.

    Args:
        provider: What answers.
        model: The name that requests must ask for.
        key: The key that requests must carry.
        takes_n: How the server treats requests for several answers.
        weather: How the server misbehaves at random.
        batch_weather: How its batches misbehave.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.providers import OpenAIProvider
        >>> from catsdk.testing import FunctionProvider, LoopbackServer
        >>> with LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}")) as server:
        ...     policy = OpenAIProvider(server.model, base_url=server.url, api_key=server.key)
        ...     async with policy:
        ...         server.fail_next("429")
        ...         reference = await cat.synthesize("2+2?", n=2, model=policy)
        >>> reference.answer
        '4'
    """

    def __init__(
        self,
        provider: Provider,
        *,
        model: str = "loopback",
        key: str = "sk-loopback-key",
        takes_n: TakesN = "all",
        weather: Weather = CALM,
        batch_weather: BatchWeather | None = None,
    ) -> None:
        """Store the settings; the server does not listen yet."""
        self.model, self.key, self.takes_n = model, key, takes_n
        self.served: deque[Served] = deque(maxlen=KEPT)
        self.url = ""
        self.answer: Answer | None = None
        self.batches = BatchDesk(provider)
        if batch_weather is not None:
            self.batches.weather = batch_weather
        self._provider = provider
        self._faults: deque[Fault] = deque()
        self._waiting: set[Bell] = set()
        self._exits = ExitStack()
        self.change(weather)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The bodies of the last requests, in order of arrival."""
        return [served.payload for served in self.served if served.payload is not None]

    def change(self, weather: Weather) -> None:
        """Change how the server misbehaves, and reset counters and lists.

        Args:
            weather: How the server misbehaves from now on.
        """
        self.weather, self._chance, self.counters = weather, Chance(weather), Counters()
        self.served.clear()

    def fail_next(self, *faults: Fault) -> None:
        """Make the next requests fail, before any random fault.

        Args:
            faults: One fault for each coming request, in order.

        Raises:
            ValueError: there is no such fault.
        """
        unknown = [fault for fault in faults if fault not in FAULTS]
        if unknown:
            raise ValueError(f"unknown faults {unknown}; known: {', '.join(FAULTS)}")
        self._faults.extend(faults)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until `true`, asked again whenever a request has begun, met its fault or ended.

        Args:
            true: Looks at `counters` or `served`, for instance.
        """
        bell = Bell()
        self._waiting.add(bell)
        try:
            while not true():
                await bell.wait()
        finally:
            self._waiting.discard(bell)

    def _changed(self) -> None:
        for bell in list(self._waiting):
            bell.ring()

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
        # As much as the largest batch.
        app = web.Application(client_max_size=300 * 2**20)
        for batches in (FilesAndBatches, MessageBatches):
            batches(self.batches, self.model, self.key).add_to(app)
        for wire in (CHAT, MESSAGES):
            app.router.add_post(wire.path, partial(self._answer, wire))
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}/v1"
        finally:
            await runner.cleanup()

    async def _answer(self, wire: Wire, http: web.Request) -> web.StreamResponse:
        counters, served = self.counters, Served(began=monotonic())
        self.served.append(served)
        counters.requests += 1
        counters.in_flight += 1
        counters.in_flight_peak = max(counters.in_flight_peak, counters.in_flight)
        self._changed()
        try:
            response = await self._respond(wire, http, served)
        except anyio.get_cancelled_exc_class():
            counters.cancelled += 1
            raise
        finally:
            counters.in_flight -= 1
            served.ended = monotonic()
            self._changed()
        served.status = response.status
        counters.usage += served.usage or Usage()
        counters.statuses[response.status] += 1
        return response

    async def _respond(self, wire: Wire, http: web.Request, served: Served) -> web.StreamResponse:
        payload: dict[str, Any] = json.loads(await http.read())
        served.payload = payload
        served.headers = {name.lower(): value for name, value in http.headers.items()}
        raw = (
            self.answer(payload) if self.answer and wire.key_of(http.headers) == self.key else None
        )
        if raw is not None:
            headers = {"content-type": "application/json", **raw.headers}
            return web.Response(body=raw.content, status=raw.status, headers=headers)
        forecast = self._chance.draw(payload)
        served.latency = forecast.latency
        await anyio.sleep(forecast.latency)
        fault = self._fault(wire, http, payload, forecast.fault)
        refusal = fault if isinstance(fault, Refusal) else wire.refusals.get(fault or "")
        served.fault = None if isinstance(fault, Refusal) else fault
        self._changed()
        delivery = Delivery(wire, http, fault=served.fault)
        delivery.headers[wire.request_id] = (
            f"req-{self.counters.requests}" if fault is None else f"req-{fault}"
        )
        if refusal is not None:
            return delivery.refused(refusal, retry_after=self.weather.retry_after)
        if delivery.replaces_the_answer:
            return await delivery.without_answer()
        return await self._reply(delivery, payload, served)

    async def _reply(
        self, delivery: Delivery, payload: dict[str, Any], served: Served
    ) -> web.StreamResponse:
        wire = delivery.wire
        request = wire.request_of(payload)
        if self.takes_n == "ignores":
            request = request.model_copy(update={"n": 1})
        completions = await self._provider.complete(request)
        self.counters.completions += len(completions)
        if served.fault in {None, "mistyped"}:
            served.usage = Usage.total(completion.usage for completion in completions)
        if payload.get("stream"):
            return await delivery.streamed(wire.events_of(completions, payload))
        return await delivery.whole(wire.reply_of(completions, payload))

    def _fault(
        self, wire: Wire, http: web.Request, payload: dict[str, Any], chance: Fault | None
    ) -> Fault | Refusal | None:
        if wire.key_of(http.headers) != self.key:
            return "401"
        if payload.get("model") != self.model:
            return "404"
        if self._faults:
            return self._faults.popleft()
        if self.takes_n == "refuses" and payload.get("n", 1) != 1:
            return "no_n"
        return wire.refusal_of(payload, http.headers) or chance
