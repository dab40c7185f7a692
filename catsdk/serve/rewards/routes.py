"""The routes of the reward service: whole groups, single samples, and OpenRLHF's rows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast, get_args

from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import FinishReason
from catsdk.serve.rewards.rendezvous import (
    BusyError,
    Outcome,
    Rendezvous,
    Response,
    Sample,
    Seat,
)
from catsdk.serve.site.bodies import Bodies
from catsdk.serve.site.presence import answering
from catsdk.serve.site.problems import RETRY_AFTER, Problem
from catsdk.serve.site.replies import json_response, refusal

__all__ = ["reward_routes"]

Body = Mapping[str, Any]


def reward_routes(rendezvous: Rendezvous, bodies: Bodies, group_size: int) -> list[Route]:
    """Return the routes `/v1/groups`, `/v1/samples` and `/openrlhf`.

    Args:
        rendezvous: Brings groups together and scores them.
        bodies: Reads requests.
        group_size: G, for clients that do not say it (OpenRLHF).
    """

    def route(path: str, answer: Callable[[Body], Awaitable[dict[str, Any]]]) -> Route:
        async def endpoint(request: HttpRequest) -> Any:
            try:
                body = await bodies.json(request)
            except Problem as problem:
                return refusal(problem)
            return answering(lambda: _answered(answer, body))

        return Route(path, endpoint, methods=["POST"])

    return [
        route("/v1/groups", lambda body: _group(rendezvous, body)),
        route("/v1/samples", lambda body: _sample(rendezvous, body)),
        route("/openrlhf", lambda body: _openrlhf(rendezvous, body, group_size)),
    ]


async def _answered(
    answer: Callable[[Body], Awaitable[dict[str, Any]]], body: Body
) -> HttpResponse:
    try:
        return json_response(await answer(body))
    except Problem as problem:
        return refusal(problem)
    except BusyError as error:
        return refusal(Problem(429, str(error), "busy", RETRY_AFTER))
    except (InvalidInputError, KeyError, TypeError) as error:
        return refusal(Problem(422, f"{type(error).__name__}: {error}"))


async def _group(rendezvous: Rendezvous, body: Body) -> dict[str, Any]:
    """Score a whole group: prompt, responses and, if there is one, the data set's row.

    `tokens` and `finish_reason` are lists with one entry for each response.
    """
    texts = _list(body, "responses")
    facts = [_list(body, name, len(texts)) for name in ("tokens", "finish_reason")]
    responses = list(map(_response, texts, *facts))
    outcome = await rendezvous.score(body["prompt"], responses, body.get("row") or {})
    return {"rewards": outcome.rewards, "reasons": outcome.reasons, **_of_group(outcome)}


async def _sample(rendezvous: Rendezvous, body: Body) -> dict[str, Any]:
    """Score one sample; reply when all `size` samples of its `group` are scored."""
    seat = await rendezvous.join(
        Sample(
            group=_name(body["group"]),
            size=_whole("size", body["size"]),
            prompt=body["prompt"],
            response=_response(body["response"], body.get("tokens"), body.get("finish_reason")),
            row=body.get("row") or {},
            id=body.get("id"),
        )
    )
    return {"reward": seat.reward, "reason": seat.reason, **_of_group(seat.outcome)}


async def _openrlhf(rendezvous: Rendezvous, body: Body, size: int) -> dict[str, Any]:
    """Serve OpenRLHF's `remote_rm_url`: query, prompts and labels, in chunks of any size.

    OpenRLHF accepts only numbers, so a missing reward is an error here, with its cause.
    """
    if needs := rendezvous.needs:
        raise InvalidInputError(
            f"OpenRLHF does not send {', '.join(needs)} of each response: take"
            f" {', '.join(needs.values())} out of the config"
        )
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
        return await rendezvous.join(sample)

    seats = await fan_out(one, zip(queries, prompts, labels, strict=True))
    missing = [seat for seat in seats if seat.reward is None]
    if missing:
        message = f"{len(missing)} of {len(seats)} have no reward: {missing[0].reason}"
        raise Problem(503, message, "no_reward")
    rewards = [seat.reward for seat in seats]
    return {"rewards": rewards, "scores": rewards, "extra_logs": {}}


def _of_group(outcome: Outcome) -> dict[str, Any]:
    return {
        "cause": outcome.cause,
        "reference": outcome.reference,
        "usage": outcome.usage.model_dump(),
    }


def _list(body: Mapping[str, Any], name: str, length: int | None = None) -> Sequence[Any]:
    """Read the list `name`; with a `length` it is optional, but must have that length."""
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
        raise InvalidInputError(f"{str(value)[:60]!r} is not a text")
    return value


def _label(value: Any) -> str | None:
    """A label as a text, as in the other routes."""
    return str(value) if isinstance(value, int | float) else _text_or_none(value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _shown(value: Any) -> str:
    return repr(value)[:80]
