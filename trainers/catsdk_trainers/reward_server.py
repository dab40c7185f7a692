"""The reward service over HTTP: whole groups, single samples that wait for theirs, and OpenRLHF's rows."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import anyio
from aiohttp import web

from catsdk.core.errors import InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk_trainers.rendezvous import BusyError, Limits, Rendezvous, Sample, Seat
from catsdk_trainers.scoring import GroupScore
from catsdk_trainers.trl_reward import OpenScorer

__all__ = ["RETRY_AFTER", "reward_app", "serving"]

RETRY_AFTER = 2
"""Seconds after which a client that was refused for want of room should come again."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RENDEZVOUS: web.AppKey[Rendezvous] = web.AppKey("rendezvous", Rendezvous)


@asynccontextmanager
async def serving(
    open_scorer: OpenScorer,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    group_size: int = 8,
    limits: Limits | None = None,
) -> AsyncGenerator[str]:
    """Serve rewards until the block ends; yields the address. Needs asyncio.

    Each request must carry `Authorization: Bearer TOKEN` where a `token` is given.

    Raises:
        InvalidInputError: it would listen to other machines without a token.
    """
    if token is None and host not in {"127.0.0.1", "::1", "localhost"}:
        raise InvalidInputError(
            f"{host} can be reached from other machines: give a token (CATSDK_REWARD_TOKEN)"
        )
    limits = limits or Limits()
    async with open_scorer() as scorer, anyio.create_task_group() as tasks:
        app = reward_app(Rendezvous(scorer, tasks, limits), token, group_size, limits)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            bound, number = runner.addresses[0][:2]
            yield f"http://{f'[{bound}]' if ':' in bound else bound}:{number}"
        finally:
            with anyio.CancelScope(shield=True):
                await runner.cleanup()
            tasks.cancel_scope.cancel()


def reward_app(
    rendezvous: Rendezvous, token: str | None, group_size: int, limits: Limits
) -> web.Application:
    """The routes: `/health`, `/v1/groups`, `/v1/samples`, and `/openrlhf`."""
    app = web.Application(
        client_max_size=limits.body, middlewares=[_answering_errors(), _allowing(token)]
    )
    app[RENDEZVOUS] = rendezvous
    app.router.add_get("/health", _health)
    app.router.add_post("/v1/groups", _group)
    app.router.add_post("/v1/samples", _sample)

    async def openrlhf(request: web.Request) -> web.StreamResponse:
        return await _openrlhf(request, group_size)

    app.router.add_post("/openrlhf", openrlhf)
    return app


def _allowing(token: str | None) -> Any:
    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token is not None and not hmac.compare_digest(given.encode(), token.encode()):
            return _told(401, "the token is missing or wrong")
        return await handler(request)

    return allow


def _answering_errors() -> Any:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except BusyError as error:
            return _told(429, str(error), {"Retry-After": str(RETRY_AFTER)})
        except (InvalidInputError, KeyError, TypeError, json.JSONDecodeError) as error:
            return _told(422, f"{type(error).__name__}: {error}")

    return answer


def _told(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)


async def _health(request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok", "open_groups": request.app[RENDEZVOUS].open})


async def _group(request: web.Request) -> web.StreamResponse:
    """A whole group: prompt, responses and, where there is one, the data set's row."""
    body = await _body(request)
    responses = [_text(each) for each in body["responses"]]
    score = await request.app[RENDEZVOUS].score(body["prompt"], responses, body.get("row") or {})
    return web.json_response(
        {
            "rewards": list(score.rewards),
            "reasons": ["; ".join(each.reasons) for each in score.scores],
            **_of_group(score),
        }
    )


async def _sample(request: web.Request) -> web.StreamResponse:
    """One sample, answered when the `size` samples of its `group` are there and scored."""
    body = await _body(request)
    seat = await request.app[RENDEZVOUS].join(
        Sample(
            group=str(body["group"]),
            size=int(body["size"]),
            prompt=body["prompt"],
            response=_text(body["response"]),
            row=body.get("row") or {},
            id=body.get("id"),
        )
    )
    own = seat.score.scores[seat.at]
    told = {"reward": own.value, "reason": "; ".join(own.reasons), **_of_group(seat.score)}
    return web.json_response(told)


async def _openrlhf(request: web.Request, size: int) -> web.StreamResponse:
    """OpenRLHF's `remote_rm_url`: query, prompts and labels, in chunks of any size.

    OpenRLHF takes numbers only, so that a missing reward is an error here, with its cause.
    """
    body = await _body(request)
    queries, prompts = body["query"], body["prompts"]
    labels = body.get("labels") or [None] * len(queries)
    if not len(queries) == len(prompts) == len(labels):
        raise InvalidInputError("query, prompts and labels are lists of different lengths")

    async def one(row: tuple[str, str, Any]) -> Seat:
        query, prompt, label = map(_text_or_none, row)
        name = sha256(json.dumps([prompt, label]).encode()).hexdigest()
        response = (query or "").removeprefix(prompt or "")
        known = {} if label is None else {"answer": label}
        sample = Sample(group=name, size=size, prompt=prompt or "", response=response, row=known)
        return await request.app[RENDEZVOUS].join(sample)

    seats = await fan_out(one, zip(queries, prompts, labels, strict=True))
    own = [seat.score.scores[seat.at] for seat in seats]
    missing = [score for score in own if score.value is None]
    if missing:
        return _told(503, f"{len(missing)} of {len(own)} have no reward: {missing[0].reasons}")
    rewards = [score.value for score in own]
    return web.json_response({"rewards": rewards, "scores": rewards, "extra_logs": {}})


def _of_group(score: GroupScore) -> dict[str, Any]:
    reference, usage = score.reference, score.usage
    return {
        "cause": None if score.cause is None else str(score.cause),
        "reference": None
        if reference is None
        else {
            "text": reference.text,
            "answer": reference.answer,
            "agreement": reference.agreement,
        },
        "usage": usage.model_dump(),
    }


async def _body(request: web.Request) -> dict[str, Any]:
    body = await request.json()
    if not isinstance(body, dict):
        raise InvalidInputError("the body is no JSON object")
    return body


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{str(value)[:60]!r} is no text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)
