"""The gateway as an application: its routes, and how each request goes through it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import time
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Provider
from catsdk.runtime.client import Client
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.asked import Asked
from catsdk.serve.gateway.catalogue import Catalogue
from catsdk.serve.gateway.config import GatewayConfig
from catsdk.serve.gateway.running import Run, Runner, Tell
from catsdk.serve.gateway.stream import StreamedAnswer, while_connected
from catsdk.serve.gateway.wires.chat import ChatWire
from catsdk.serve.gateway.wires.wire import Reply, Wire
from catsdk.serve.site.access import Access, Guard, check_host
from catsdk.serve.site.bodies import Bodies
from catsdk.serve.site.problems import RETRY_AFTER, Problem, problem_of
from catsdk.serve.site.replies import json_response, refusal
from catsdk.serve.site.server import listening

__all__ = ["Gateway", "serving_gateway"]

_log = logging.getLogger("catsdk.gateway")


class Gateway:
    """Answers HTTP requests by a catalogue; `app` is the ASGI application.

    Args:
        catalogue: What may be asked, open.
        config: The operator's settings.
        access: Who may ask.
    """

    def __init__(self, catalogue: Catalogue, config: GatewayConfig, access: Access) -> None:
        """Answer nothing yet."""
        self._catalogue, self._limits = catalogue, config.limits
        self._runner = Runner(catalogue, config)
        self._pass_on = config.pass_on
        limits = config.limits
        self._bodies = Bodies(limits.body, limits.bodies, limits.arrival)
        self._started = int(time())
        self._answering = 0
        routes = [
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/v1/models", self._models),
            Route("/v1/models/{name:path}", self._model),
            Route("/v1/chat/completions", self._asking(ChatWire()), methods=["POST"]),
        ]
        inner = Starlette(routes=routes, exception_handlers={404: _no_route, 405: _no_route})
        self.app: ASGIApp = Guard(inner, access)

    async def _health(self, request: Request) -> Response:
        return json_response({"status": "ok", "answering": self._answering})

    async def _ready(self, request: Request) -> Response:
        if self._answering >= self._limits.requests:
            return refusal(_busy())
        return json_response({"status": "ready"})

    async def _models(self, request: Request) -> Response:
        data = [self._described(name) for name in self._catalogue]
        return json_response({"object": "list", "data": data})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in list(self._catalogue):
            return refusal(Problem(404, f"there is no model {name[:80]!r}", "model_not_found"))
        return json_response(self._described(name))

    def _described(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._started, "owned_by": "catsdk"}

    def _asking(self, wire: Wire) -> Callable[[Request], Awaitable[Response]]:
        async def ask(request: Request) -> Any:
            try:
                asked = wire.read(await self._bodies.json(request), self._pass_on)
                self._admit()
            except (Problem, InvalidInputError) as error:
                return wire.refusal(problem_of(error))
            run = Run(asked)
            reply = Reply.now(run.id, asked)
            if asked.stream:
                return self._streamed(wire, run, reply)
            return self._whole(wire, run, reply)

        return ask

    def _admit(self) -> None:
        """Take a place for one more request.

        Raises:
            Problem: there is none.
        """
        if self._answering >= self._limits.requests:
            raise _busy()

    def _streamed(self, wire: Wire, run: Run, reply: Reply) -> ASGIApp:
        streamed = StreamedAnswer(
            lambda tell: self._answered(run, tell),
            wire.events(reply),
            refused=wire.refusal,
            limits=self._limits,
            headers=_headers(run),
            progress="progress" in run.asked.wanted.returns,
        )
        return self._counted(streamed)

    def _whole(self, wire: Wire, run: Run, reply: Reply) -> ASGIApp:
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            responses: list[Response] = []

            async def work() -> None:
                try:
                    answer = await self._answered(run)
                    headers = _headers(run, answer)
                    responses.append(json_response(wire.whole(answer, reply), headers=headers))
                except Problem as problem:
                    responses.append(wire.refusal(problem))

            if await while_connected(receive, work):
                await responses[0](scope, receive, send)

        return self._counted(respond)

    def _counted(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self._answering += 1
            try:
                await app(scope, receive, send)
            finally:
                self._answering -= 1

        return counted

    async def _answered(self, run: Run, tell: Tell | None = None) -> Answer:
        try:
            with anyio.fail_after(self._limits.answer):
                return await self._runner.answer(run, tell)
        except TimeoutError:
            message = f"no answer within {self._limits.answer:g} s"
            raise Problem(504, message, "timeout", RETRY_AFTER) from None
        except Problem as problem:
            _note(run.asked, run.id, problem)
            raise


def _busy() -> Problem:
    message = "as many requests as are allowed are being answered; come again"
    return Problem(429, message, "busy", RETRY_AFTER)


def _note(asked: Asked, run: str, problem: Problem) -> None:
    """Log a failure under its run, without the words of the conversation."""
    cause = problem.__cause__
    kind = type(cause).__name__ if cause is not None else problem.code
    if problem.code in ("internal", "setup"):
        _log.error("run %s of %.80r: %s", run, asked.model, kind, exc_info=cause)
    else:
        _log.info("run %s of %.80r: %s (%d)", run, asked.model, kind, problem.status)


def _headers(run: Run, answer: Answer | None = None) -> dict[str, str]:
    headers = {"x-cat-run": run.id}
    facts: Mapping[str, Any] = {} if answer is None else answer.facts
    for name in ("method", "agreement", "cost"):
        value = facts.get(name)
        if value is not None:
            headers[f"x-cat-{name}"] = f"{value:.6g}" if isinstance(value, float) else str(value)
    return headers


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    what = "takes no" if status == 405 else "has nothing for"
    message = f"{request.url.path[:80]} {what} {request.method}"
    return refusal(Problem(status, message, "not_found"))


@asynccontextmanager
async def serving_gateway(
    config: GatewayConfig,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    client: Client | None = None,
    providers: Mapping[str, Provider] | None = None,
) -> AsyncGenerator[str]:
    """Serve a gateway until the block ends; needs asyncio.

    At the end no more requests are taken, and those that are being answered are waited for.

    Args:
        config: What may be asked, by whom, and under which caps.
        host: The address to listen on; others than this machine's need keys.
        port: 0 takes a free one.
        client: How calls are sent; by default as `config.client` says.
        providers: Models that are objects, by the names under which they may be asked; who made
            them closes them.

    Yields:
        The address, such as `http://127.0.0.1:8080`.

    Raises:
        InvalidInputError: it would listen to other machines without a key, or a setting is wrong.
        ConfigurationError: a model cannot be made, a key is not set, or the address is taken.

    Example:
        >>> from catsdk.serve import GatewayConfig, serving_gateway
        >>> async with serving_gateway(GatewayConfig(models=["local"])) as address:
        ...     print(address.rpartition(":")[0])
        http://127.0.0.1
    """
    check_host(host, bool(config.keys), "keys, in the section `keys` of the configuration")
    access = Access.by(config.secrets())
    sending = client or Client.from_data(config.client)
    limits = config.limits
    async with Catalogue.opened(config, sending, providers or {}) as catalogue:
        served = Gateway(catalogue, config, access)
        async with listening(
            served.app, host, port, arrival=limits.arrival, drain=limits.drain
        ) as address:
            yield address
