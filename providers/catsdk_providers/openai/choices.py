"""Reads a reply of the chat-completions wire, choice by choice: completions and failures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import TypeAdapter

from catsdk.core.calls import UNREPORTED
from catsdk.core.errors import ContentFilteredError, MalformedResponseError, ProviderError
from catsdk.core.thinking import split_thinking
from catsdk.core.types import (
    Completion,
    Failure,
    FinishReason,
    TokenLogprob,
    ToolCall,
    Usage,
)
from catsdk_providers.http.counts import count, counts, detail
from catsdk_providers.http.dialects import FAILED_FINISHES, FINISHES
from catsdk_providers.http.parts import parts_of, thinking_in
from catsdk_providers.http.refusals import Place, reported
from catsdk_providers.http.secrets import hidden
from catsdk_providers.http.text import MAX_TEXT, NOT_THE_WIRE, mended
from catsdk_providers.http.words import says_something
from catsdk_providers.openai.wire import TOOL

__all__ = ["completions_of", "usage_of"]

# The number of unrequested or repeated choices that are still examined.
_SPARE = 64
_MOST_CHOICES = 4096
_MOST_LOGPROBS = 2**17
_MOST_CALLS = 64
_NONE = Usage()
_TOKENS = TypeAdapter(tuple[TokenLogprob, ...])


@dataclass(slots=True)
class _Reply:
    """What all choices of a reply share; `logprobs_left` limits their log-probabilities."""

    place: Place
    model: str
    latency: float
    error: object
    logprobs_left: int = _MOST_LOGPROBS


def completions_of(
    reply: object, place: Place, *, latency: float = 0.0, n: int | None = None
) -> list[Completion]:
    """The completions of a reply, at most `n`, in the order of their index.

    Of choices with one index the first counts, an index that is missing is the place in the list,
    and indexes that were not asked for only order the choices. A choice that failed is a
    completion with its `failure`. The usage of the whole request stands with the first: the wire
    does not tell it by choice.

    Raises:
        MalformedResponseError: the reply is not of the wire, or holds no choice.
        ProviderError: every choice failed; the first one's error, with the usage.
    """
    if not isinstance(reply, dict) or not isinstance(reply.get("choices"), list):
        what = "an object without choices" if isinstance(reply, dict) else type(reply).__name__
        raise place.error(
            MalformedResponseError, f"the reply is not a chat completion ({what})", 200
        )
    model = reply.get("model")
    shared = _Reply(
        place=place,
        model=_clean(model, place)[:200] if isinstance(model, str) and model else place.model,
        latency=latency,
        error=reply.get("error") if says_something(reply.get("error")) else None,
    )
    usage = usage_of(reply.get("usage"))
    read = [
        _read(choice, shared, _NONE if at else usage)
        for at, choice in enumerate(_ordered(reply["choices"], n))
    ]
    if not read:
        empty = place.error(MalformedResponseError, "the reply holds no choice", 200)
        empty.usage = usage
        raise empty
    errors = [each for each in read if isinstance(each, ProviderError)]
    if len(errors) == len(read):
        errors[0].usage = usage
        raise errors[0]
    return [
        _failed(each, shared, _NONE if at else usage) if isinstance(each, ProviderError) else each
        for at, each in enumerate(read)
    ]


def _ordered(choices: list[Any], n: int | None) -> list[Any]:
    """The choices that count. Their number is bounded before any is read."""
    wanted = min(n or _MOST_CHOICES, _MOST_CHOICES)
    if len(choices) == 1:
        return choices
    by_index: dict[int, Any] = {}
    for at, choice in enumerate(islice(choices, wanted + _SPARE)):
        by_index.setdefault(_index(choice, at), choice)
    return [by_index[index] for index in sorted(by_index)[:wanted]]


def _index(choice: Any, at: int) -> int:
    index = choice.get("index") if isinstance(choice, dict) else None
    if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 10:
        return int(index)
    return index if isinstance(index, int) and not isinstance(index, bool) else at


def _read(choice: Any, shared: _Reply, usage: Usage) -> Completion | ProviderError:
    try:
        return _choice(choice, shared, usage)
    except ProviderError as error:
        return error
    except NOT_THE_WIRE as error:
        said = f"a choice is none of the wire ({type(error).__name__}: {str(error)[:200]})"
        return shared.place.error(MalformedResponseError, said, 200)


def _choice(choice: dict[str, Any], shared: _Reply, usage: Usage) -> Completion:
    ended = _ended(choice.get("finish_reason"))
    message = _message(choice, ended, shared)
    _check(choice, ended, message, shared)
    parts = parts_of(message.get("content"))
    told = message.get("refusal")
    refusal = (told if isinstance(told, str) else "") or parts.refusal
    called = _called(message)
    inline, text = split_thinking(
        _clean((parts.answer or refusal) if called is None else called, shared.place)
    )
    apart = _clean(thinking_in(message) or parts.thinking, shared.place)
    if max(len(text), len(apart)) > MAX_TEXT:
        raise shared.place.error(
            MalformedResponseError, f"the reply holds a text over {MAX_TEXT:,} characters", 200
        )
    return Completion(
        text=text,
        reasoning=apart or inline,
        tool_calls=tuple(_tool_calls(message, shared.place)) if called is None else (),
        finish_reason="content_filter" if refusal else _finish(ended),
        logprobs=_logprobs(choice.get("logprobs"), shared),
        usage=usage,
        model=shared.model,
        latency=shared.latency,
        request_id=shared.place.shown_id,
    )


def _ended(finish_reason: object) -> str:
    """The finish reason in lower case, without a detail: `content_filter: PROHIBITED_CONTENT`."""
    if not isinstance(finish_reason, str):
        return ""
    return finish_reason.partition(":")[0].strip().lower()


def _message(choice: dict[str, Any], ended: str, shared: _Reply) -> dict[str, Any]:
    for name in ("message", "delta"):
        if isinstance(choice.get(name), dict):
            return choice[name]  # type: ignore[no-any-return]
    if isinstance(choice.get("text"), str):
        return {"content": choice["text"]}
    if isinstance(choice.get("message"), str):
        return {"content": choice["message"]}
    if says_something(choice.get("error")) or ended in FAILED_FINISHES or shared.error is not None:
        return {}
    if _finish(ended) == "content_filter":
        reason = choice.get("finish_reason")
        raise shared.place.error(
            ContentFilteredError, f"the service withheld the answer ({reason!r:.100})", 200
        )
    if _finish(ended) == "length":
        # Thinking used up all tokens, so there is no answer.
        return {}
    raise TypeError("it has no message")


def _check(choice: dict[str, Any], ended: str, message: dict[str, Any], shared: _Reply) -> None:
    """Raise if a choice reports a failure, by itself or together with the reply.

    Raises:
        ProviderError: the failure that it reports.
    """
    if says_something(choice.get("error")):
        raise reported(choice["error"], shared.place)
    unfinished = not ended and not message.get("content")
    if shared.error is not None and (ended in FAILED_FINISHES or unfinished):
        raise reported(shared.error, shared.place)
    if ended in FAILED_FINISHES:
        said = {"message": f"the service broke the answer off ({ended!r})"}
        raise reported(said | {"code": FAILED_FINISHES[ended]}, shared.place)


def _failed(error: ProviderError, shared: _Reply, usage: Usage) -> Completion:
    return Completion(
        text="",
        finish_reason="other",
        usage=usage,
        model=shared.model,
        latency=shared.latency,
        request_id=shared.place.shown_id,
        failure=Failure.of(error),
    )


def _clean(text: str, place: Place) -> str:
    return hidden(mended(text), place.secrets)


def _called(message: Mapping[str, Any]) -> str | None:
    """The arguments of the function that was forced on the model: its answer."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and function.get("name") == TOOL:
            given = function.get("arguments")
            # Some servers send the object itself where the wire has its text.
            return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return None


def _tool_calls(message: Mapping[str, Any], place: Place) -> Iterator[ToolCall]:
    """The calls of tools that the request offered; one that names no tool is left out."""
    calls = message.get("tool_calls")
    for at, call in enumerate(calls[:_MOST_CALLS] if isinstance(calls, list) else ()):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(name := function.get("name"), str):
            continue
        given, id_ = function.get("arguments"), call.get("id")
        if not isinstance(given, str):
            given = json.dumps({} if given is None else given, ensure_ascii=False)
        if len(given) > MAX_TEXT:
            raise place.error(
                MalformedResponseError, f"a call of a tool is over {MAX_TEXT:,} characters", 200
            )
        yield ToolCall(
            id=_clean(id_, place)[:200] if isinstance(id_, str) and id_ else f"call-{at}",
            name=_clean(name, place)[:200],
            arguments=_clean(given, place) or "{}",
        )


def _finish(ended: str) -> FinishReason:
    return FINISHES.get(ended or "stop", "other")


def _logprobs(logprobs: Any, shared: _Reply) -> tuple[TokenLogprob, ...] | None:
    """The log-probabilities, or `None` if they cannot be read: the answer is there without."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content or len(content) > shared.logprobs_left:
        return None
    shared.logprobs_left -= len(content)
    try:
        tokens = [(each["token"], each["logprob"]) for each in content]
        whole = "".join([token for token, _ in tokens])
        clean = _clean(whole, shared.place) == whole
        return _TOKENS.validate_python(
            [
                {"token": token if clean else _clean(token, shared.place), "logprob": logprob}
                for token, logprob in tokens
                if math.isfinite(logprob) or _refuse(logprob)
            ]
        )
    except NOT_THE_WIRE:
        return None


def _refuse(logprob: object) -> bool:
    raise ValueError(f"{logprob!r} is not a log-probability")


def usage_of(usage: Any) -> Usage:
    """What the reply tells; without a prompt's and an answer's count it tells nothing."""
    both = counts(usage, "prompt_tokens", "completion_tokens")
    if both is None:
        return UNREPORTED
    prompt, answer = both
    reasoning = detail(usage, "completion_tokens_details", "reasoning_tokens")
    if reasoning and count(usage.get("total_tokens")) == prompt + answer + reasoning:
        # xAI counts thinking separately from the answer.
        answer += reasoning
    return Usage(
        input_tokens=prompt,
        output_tokens=answer,
        cached_tokens=min(prompt, detail(usage, "prompt_tokens_details", "cached_tokens")),
        reasoning_tokens=min(answer, reasoning),
        requests=1,
        cost=None,
    )
