"""The reward service over HTTP: groups, single samples that wait for theirs, OpenRLHF's rows."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, cast, get_args

import anyio
from aiohttp import web

from catsdk.cat import CaT
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import FinishReason
from catsdk.scored import opened
from catsdk.serve.rewards.rendezvous import (
    BusyError,
    Limits,
    Outcome,
    Rendezvous,
    Response,
    Sample,
    Seat,
)
from catsdk.serve.rewards.site import LOOPBACK, Bodies, detail, from_elsewhere, listening

__all__ = ["RETRY_AFTER", "reward_app", "serving"]

RETRY_AFTER = 2
"""Seconds after which a client that was refused for want of room should come again."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RENDEZVOUS: web.AppKey[Rendezvous] = web.AppKey("rendezvous", Rendezvous)
BODIES: web.AppKey[Bodies] = web.AppKey("bodies", Bodies)


@asynccontextmanager
async def serving(
    c: CaT,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    group_size: int = 8,
    limits: Limits | None = None,
    drain: float = 0.0,
) -> AsyncGenerator[str]:
    """Serve the rewards of `c` until the block ends. Needs asyncio.

    Each request must carry `Authorization: Bearer TOKEN` where a `token` is given; an empty one is
    none. Without a token, requests of web pages are refused, and those to another host name. At the
    end of the block no more requests are taken, and groups that are being scored are waited for, at
    most `drain` seconds.

    Args:
        c: What rewards; a copy of it is opened, and closed at the end.
        host: The address to listen on.
        port: 0 takes a free one.
        token: What each request must carry.
        group_size: G, for clients that do not say it (OpenRLHF).
        limits: What the service takes on at once.
        drain: How long groups that are being scored are waited for at the end, in seconds.

    Yields:
        The address, such as `http://127.0.0.1:8080`.

    Raises:
        InvalidInputError: it would listen to other machines without a token.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.serve import serving
        >>> c = cat.CaT("local", reward=cat.AnswerReward())
        >>> async with serving(c) as address:
        ...     print(address.rpartition(":")[0])
        http://127.0.0.1
    """
    if not token and host not in LOOPBACK:
        raise InvalidInputError(
            f"{host} can be reached from other machines: give a token (CATSDK_REWARD_TOKEN)"
        )
    limits = limits or Limits()
    async with opened(c) as own, anyio.create_task_group() as tasks:
        rendezvous = Rendezvous(own, tasks, limits)
        app = reward_app(rendezvous, token, group_size, limits)
        try:
            async with listening(app, host, port, limits.arrival) as server:
                bound, number = server.sockets[0].getsockname()[:2]
                yield f"http://{f'[{bound}]' if ':' in bound else bound}:{number}"
                server.close()
                with anyio.move_on_after(drain):
                    await rendezvous.idle()
        finally:
            tasks.cancel_scope.cancel()


def reward_app(
    rendezvous: Rendezvous, token: str | None, group_size: int, limits: Limits
) -> web.Application:
    """The routes: `/health`, `/v1/groups`, `/v1/samples`, and `/openrlhf`."""
    app = web.Application(
        client_max_size=limits.body, middlewares=[_answering_errors(), _allowing(token)]
    )
    app[RENDEZVOUS], app[BODIES] = rendezvous, Bodies(limits)
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
        if token and not hmac.compare_digest(_bytes(given), _bytes(token)):
            return detail(401, "the token is missing or wrong")
        if not token and from_elsewhere(request):
            return detail(
                403, "this is not a request of this machine's own: set a token for others"
            )
        return await handler(request)

    return allow


def _bytes(header: str) -> bytes:
    """The bytes of a header as they came; aiohttp keeps those that are no UTF-8 as surrogates."""
    return header.encode("utf-8", "surrogateescape")


def _answering_errors() -> Any:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except BusyError as error:
            return detail(429, str(error), {"Retry-After": str(RETRY_AFTER)})
        except (InvalidInputError, KeyError, TypeError) as error:
            return detail(422, f"{type(error).__name__}: {error}")

    return answer


async def _health(request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok", "open_groups": request.app[RENDEZVOUS].open})


async def _group(request: web.Request) -> web.StreamResponse:
    """A whole group: prompt, responses and, where there is one, the data set's row.

    `tokens` and `finish_reason` are lists with one entry for each response.
    """
    body = await _body(request)
    texts = _list(body, "responses")
    facts = [_list(body, name, len(texts)) for name in ("tokens", "finish_reason")]
    responses = list(map(_response, texts, *facts))
    outcome = await request.app[RENDEZVOUS].score(body["prompt"], responses, body.get("row") or {})
    return web.json_response(
        {"rewards": outcome.rewards, "reasons": outcome.reasons, **_of_group(outcome)}
    )


async def _sample(request: web.Request) -> web.StreamResponse:
    """One sample, answered when the `size` samples of its `group` are there and scored."""
    body = await _body(request)
    seat = await request.app[RENDEZVOUS].join(
        Sample(
            group=_name(body["group"]),
            size=_whole("size", body["size"]),
            prompt=body["prompt"],
            response=_response(body["response"], body.get("tokens"), body.get("finish_reason")),
            row=body.get("row") or {},
            id=body.get("id"),
        )
    )
    told = {"reward": seat.reward, "reason": seat.reason, **_of_group(seat.outcome)}
    return web.json_response(told)


async def _openrlhf(request: web.Request, size: int) -> web.StreamResponse:
    """OpenRLHF's `remote_rm_url`: query, prompts and labels, in chunks of any size.

    OpenRLHF takes numbers only, so that a missing reward is an error here, with its cause.
    """
    if needs := request.app[RENDEZVOUS].needs:
        raise InvalidInputError(
            f"OpenRLHF does not send {', '.join(needs)} of each response: take"
            f" {', '.join(needs.values())} out of the config"
        )
    body = await _body(request)
    queries, prompts = _list(body, "query"), _list(body, "prompts")
    labels = _list(body, "labels", len(queries))
    if len(queries) != len(prompts):
        raise InvalidInputError("query and prompts are lists of different lengths")

    async def one(row: tuple[Any, Any, Any]) -> Seat:
        query, prompt = map(_text_or_none, row[:2])
        label = _label(row[2])
        name = sha256(json.dumps([prompt, label]).encode()).hexdigest()
        response = Response((query or "").removeprefix(prompt or ""))
        known = {} if label is None else {"answer": label}
        sample = Sample(group=name, size=size, prompt=prompt or "", response=response, row=known)
        return await request.app[RENDEZVOUS].join(sample)

    seats = await fan_out(one, zip(queries, prompts, labels, strict=True))
    missing = [seat for seat in seats if seat.reward is None]
    if missing:
        return detail(503, f"{len(missing)} of {len(seats)} have no reward: {missing[0].reason}")
    rewards = [seat.reward for seat in seats]
    return web.json_response({"rewards": rewards, "scores": rewards, "extra_logs": {}})


def _of_group(outcome: Outcome) -> dict[str, Any]:
    return {
        "cause": outcome.cause,
        "reference": outcome.reference,
        "usage": outcome.usage.model_dump(),
    }


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body: object = json.loads(await request.app[BODIES].read(request))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the body is no JSON in UTF-8: {error}") from None
    if not isinstance(body, dict):
        raise InvalidInputError("the body is no JSON object")
    return cast("dict[str, Any]", body)


def _list(body: Mapping[str, Any], name: str, length: int | None = None) -> Sequence[Any]:
    """The list `name`; where a `length` is given it may be left out, else it must have that."""
    value = body[name] if length is None else body.get(name)
    if value is None and length is not None:
        return [None] * length
    if not isinstance(value, list):
        raise InvalidInputError(f"{name} is {_shown(value)}; give a list")
    entries = cast("Sequence[Any]", value)
    if length is not None and len(entries) != length:
        raise InvalidInputError(f"{name} has {len(entries)} entries for {length} responses")
    return entries


def _response(text: Any, tokens: Any, finish_reason: Any) -> Response:
    if finish_reason is not None and finish_reason not in get_args(FinishReason):
        raise InvalidInputError(
            f"finish_reason is {_shown(finish_reason)}; give one of"
            f" {', '.join(get_args(FinishReason))}"
        )
    return Response(
        _text(text),
        None if tokens is None else _whole("tokens", tokens),
        cast("FinishReason | None", finish_reason),
    )


def _name(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"group is {_shown(value)}; give a name that is not empty")
    return value


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInputError(f"{name} is {_shown(value)}; give a whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{str(value)[:60]!r} is no text")
    return value


def _label(value: Any) -> str | None:
    """A label as a text, which it is at every other door."""
    return str(value) if isinstance(value, int | float) else _text_or_none(value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _shown(value: Any) -> str:
    return repr(value)[:80]
