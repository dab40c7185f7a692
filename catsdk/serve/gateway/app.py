"""The gateway as an application: its routes, and the steps of each request."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Usage
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.asked import Asked
from catsdk.serve.gateway.catalogue import Catalogue
from catsdk.serve.gateway.config import GatewayConfig
from catsdk.serve.gateway.evidence import Evidence
from catsdk.serve.gateway.holders import Holders
from catsdk.serve.gateway.metrics import CONTENT_TYPE, Metrics
from catsdk.serve.gateway.openapi import openapi
from catsdk.serve.gateway.running import Run, Runner, Tell
from catsdk.serve.gateway.stream import StreamedAnswer
from catsdk.serve.gateway.wires.chat import ChatWire
from catsdk.serve.gateway.wires.messages import MessagesWire
from catsdk.serve.gateway.wires.responses import ResponsesWire
from catsdk.serve.gateway.wires.wire import Reply, Wire, read_request
from catsdk.serve.site.access import Access, Guard
from catsdk.serve.site.application import application
from catsdk.serve.site.bodies import Bodies
from catsdk.serve.site.presence import answering
from catsdk.serve.site.problems import RETRY_AFTER, Problem, problem_of
from catsdk.serve.site.replies import json_response, refusal

__all__ = ["Gateway"]

_log = logging.getLogger("catsdk.gateway")

GONE = 499
"""What is counted as the status of a request whose client went away."""


class Gateway:
    """Answers HTTP requests by a catalogue; `app` is the ASGI application.

    Args:
        catalogue: What may be asked, open.
        config: The operator's settings.
        access: Who may ask.
        evidence: Where results are kept.
        bodies: Reads requests.
        more: Further routes, such as those of rewards.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        config: GatewayConfig,
        access: Access,
        *,
        evidence: Evidence,
        bodies: Bodies,
        more: Sequence[Route] = (),
    ) -> None:
        """Answer nothing yet."""
        self._catalogue, self._limits = catalogue, config.limits
        self._evidence, self._bodies = evidence, bodies
        self._runner = Runner(catalogue, config, evidence)
        self._holders = Holders(config.keys, config.cache)
        self._metrics = Metrics()
        self._pass_on = config.pass_on
        self._started = int(time.time())
        self._answering = 0
        routes = [
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/metrics", self._told_metrics),
            Route("/openapi.json", self._document),
            Route("/v1/models", self._models),
            Route("/v1/models/{name:path}", self._model),
            Route("/v1/chat/completions", self._asking(ChatWire()), methods=["POST"]),
            Route("/v1/responses", self._asking(ResponsesWire()), methods=["POST"]),
            Route("/v1/messages", self._asking(MessagesWire()), methods=["POST"]),
            Route("/v1/messages/count_tokens", self._count_tokens, methods=["POST"]),
            Route("/v1/runs/{run}", self._run),
            *more,
        ]
        self.app: ASGIApp = Guard(application(routes), access)

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
        if name not in self._catalogue:
            return refusal(Problem(404, f"there is no model {name[:80]!r}", "model_not_found"))
        return json_response(self._described(name))

    async def _told_metrics(self, request: Request) -> Response:
        return Response(self._metrics.text(self._answering), media_type=CONTENT_TYPE)

    async def _document(self, request: Request) -> Response:
        return json_response(openapi())

    async def _run(self, request: Request) -> Response:
        run = request.path_params["run"]
        kept = await self._evidence.find(request.state.holder, run)
        if kept is None:
            return refusal(Problem(404, f"nothing is kept of the run {run[:80]!r}", "not_found"))
        return Response(kept, media_type="application/json")

    def _described(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._started, "owned_by": "catsdk"}

    def _asking(self, wire: Wire) -> Callable[[Request], Awaitable[Response]]:
        async def ask(request: Request) -> Any:
            try:
                asked = read_request(wire, await self._bodies.json(request), self._pass_on)
                holder = self._holders.of(request.state.holder)
                self._admit()
                holder.admit()
            except (Problem, InvalidInputError) as error:
                problem = problem_of(error)
                self._metrics.answered(request.url.path, "", problem.status, 0.0, Usage())
                return wire.refusal(problem)
            run = Run(asked, holder)
            reply = Reply.now(run.id, asked)
            if asked.stream:
                return self._streamed(wire, run, reply, request.url.path)
            return self._whole(wire, run, reply, request.url.path)

        return ask

    async def _count_tokens(self, request: Request) -> Response:
        wire = MessagesWire()
        try:
            asked = read_request(wire, await self._bodies.json(request), self._pass_on)
            return json_response({"input_tokens": await self._runner.count_tokens(asked)})
        except Exception as error:  # noqa: BLE001 - the client is told, whatever it is
            return wire.refusal(problem_of(error))

    def _admit(self) -> None:
        """Reserve a place for one more request.

        Raises:
            Problem: there is none.
        """
        if self._answering >= self._limits.requests:
            raise _busy()

    def _streamed(self, wire: Wire, run: Run, reply: Reply, api: str) -> ASGIApp:
        streamed = StreamedAnswer(
            lambda tell: self._answered(run, api, tell),
            wire.events(reply),
            refused=wire.refusal,
            limits=self._limits,
            headers=_headers(run),
            progress="progress" in run.asked.wanted.returns,
        )
        return self._counted(streamed)

    def _whole(self, wire: Wire, run: Run, reply: Reply, api: str) -> ASGIApp:
        async def respond() -> Response:
            try:
                answer = await self._answered(run, api)
            except Problem as problem:
                return wire.refusal(problem)
            return json_response(wire.whole(answer, reply), headers=_headers(run, answer))

        return self._counted(answering(respond))

    def _counted(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self._answering += 1
            try:
                await app(scope, receive, send)
            finally:
                self._answering -= 1

        return counted

    async def _answered(self, run: Run, api: str, tell: Tell | None = None) -> Answer:
        """Answer a request, and count it however it ends.

        Raises:
            Problem: there is no answer.
        """
        start, status, usage = time.monotonic(), GONE, Usage()
        try:
            answer = await self._in_time(run, tell)
            status, usage = 200, answer.usage
            return answer
        except Problem as problem:
            status, usage = problem.status, problem.usage
            _note(run.asked, run.id, problem)
            raise
        finally:
            model = run.asked.model if run.asked.model in self._catalogue else ""
            self._metrics.answered(api, model, status, time.monotonic() - start, usage)

    async def _in_time(self, run: Run, tell: Tell | None) -> Answer:
        try:
            with anyio.fail_after(self._limits.answer):
                return await self._runner.answer(run, tell)
        except TimeoutError:
            message = f"no answer within {self._limits.answer:g} s"
            raise Problem(504, message, "timeout", RETRY_AFTER) from None


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
