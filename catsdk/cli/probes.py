"""Finds out what an endpoint supports by sending it requests, for `catsdk doctor --deep`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

from catsdk.core.display.counting import counted
from catsdk.core.errors import CatError, UnsupportedError
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.types import Completion, Message, Request, Usage

__all__ = ["Probed", "probed"]

MAX_TOKENS = 48
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_QUESTION = "Write one sentence about cats."
_FORM = 'Answer with JSON of the form {"answer": "..."}: what is the capital of France?'


class Probed(NamedTuple):
    """The result of one probe: its name, its outcome, and how catsdk adapts to it."""

    name: str
    state: Literal["ok", "absent", "failed"]
    said: str


Probe = Callable[[Provider], Awaitable[str]]


class _Absent(Exception):
    """The endpoint accepted the request without an error, but did not do what it asks."""


async def probed(provider: Provider) -> list[Probed]:
    """Send `provider` a dozen short requests, one after the other; what it lacks is `absent`.

    If it cannot answer even a plain question, the other probes are skipped.
    """
    first = await _result("plain", _plain, provider)
    if first.state == "failed":
        return [first]
    rest = [await _result(name, probe, provider) for name, probe in _PROBES.items()]
    return [first, *rest, _context(provider)]


async def _result(name: str, probe: Probe, provider: Provider) -> Probed:
    try:
        return Probed(name, "ok", await probe(provider))
    except _Absent as absent:
        return Probed(name, "absent", str(absent))
    except UnsupportedError as error:
        return Probed(name, "absent", f"refused, so catsdk {_WITHOUT[name]} ({error})")
    except CatError as error:
        return Probed(name, "failed", f"{type(error).__name__}: {error}")


def _asked(text: str = _QUESTION, **settings: Any) -> Request:
    messages = (Message(role="user", content=text),)
    return Request.model_validate({"messages": messages, "max_tokens": MAX_TOKENS, **settings})


async def _one(provider: Provider, request: Request) -> Completion:
    return (await provider.complete(request))[0]


async def _plain(provider: Provider) -> str:
    completion = await _one(provider, _asked())
    thinking = ", with its thinking in a separate field" if completion.reasoning else ""
    reason = completion.finish_reason
    return f"answers{thinking}; finish reason {reason!r}; {_tokens(completion.usage)}"


async def _n(provider: Provider) -> str:
    completions = await provider.complete(_asked(n=3))
    if len(completions) < 3:
        raise _Absent(f"returns {len(completions)} of 3 answers, so catsdk {_WITHOUT['n']}")
    return f"returns 3 answers a request; catsdk sends one a group; {_counted(completions)}"


def _counted(completions: Sequence[Completion]) -> str:
    usage = Usage.total(completion.usage for completion in completions)
    if usage.unreported:
        return "usage is not reported: budgets assume the most that a call can use"
    if usage.estimated:
        return "the tokens of only one answer are reported: catsdk estimates the others"
    return f"the tokens of all answers are reported ({usage.output_tokens})"


def _tokens(usage: Usage) -> str:
    return "usage is not reported" if usage.unreported else counted(usage.tokens, "token")


async def _logprobs(provider: Provider) -> str:
    completion = await _one(provider, _asked(logprobs=True))
    if not completion.logprobs:
        raise _Absent(f"none returned, so catsdk {_WITHOUT['logprobs']}")
    return f"returned for {counted(len(completion.logprobs), 'token')}"


async def _seed(provider: Provider) -> str:
    request = _asked(seed=7, **_temperature(provider))
    first, again = await _one(provider, request), await _one(provider, request)
    if first.text != again.text:
        raise _Absent("accepted, but two answers with one seed differ: runs cannot be repeated")
    return "two answers with one seed are equal"


def _temperature(provider: Provider) -> dict[str, Any]:
    return {"temperature": 1.0} if capabilities_of(provider).temperature else {}


async def _schema(provider: Provider) -> str:
    _check_form(await _one(provider, _asked(_FORM, json_schema=_SCHEMA)))
    return "enforced; judges and rubrics use it"


async def _tools(provider: Provider) -> str:
    _check_form(await _one(provider, _asked(_FORM, json_schema=_SCHEMA, schema_by="tool")))
    return "supported: the model calls the function that it is required to call"


def _check_form(completion: Completion) -> None:
    try:
        held = isinstance(json.loads(completion.text)["answer"], str)
    except (ValueError, KeyError, TypeError):
        held = False
    if not held and completion.finish_reason == "length":
        raise _Absent(f"cut at {MAX_TOKENS} tokens before the object was complete")
    if not held:
        raise _Absent(
            f"accepted, but ignored: {completion.text[:60]!r}; catsdk checks replies and asks again"
        )


async def _streaming(provider: Provider) -> str:
    pieces: list[str] = []
    (completion,) = await provider.complete(_asked(), pieces.append)
    if "".join(pieces) != completion.text:
        raise _Absent("the pieces do not add up to the answer; use the text of the completion")
    # Several pieces may arrive together, so their number says nothing about the service.
    return f"the pieces add up to the answer; {_tokens(completion.usage)}"


def _context(provider: Provider) -> Probed:
    length = capabilities_of(provider).context_length
    if length is None:
        said = "unknown; only the service's error shows that a prompt is too long"
        return Probed("context", "absent", said)
    return Probed("context", "ok", f"{length:,} tokens")


_PROBES: dict[str, Probe] = {
    "n": _n,
    "logprobs": _logprobs,
    "seed": _seed,
    "schema": _schema,
    "tools": _tools,
    "streaming": _streaming,
}
# What catsdk does if an endpoint lacks each of them.
_WITHOUT = {
    "plain": "cannot use it",
    "n": "sends one request for each answer",
    "logprobs": "cannot rank answers by their probability",
    "seed": "cannot repeat a run exactly",
    "schema": "asks for JSON with a function or in words",
    "tools": "asks for JSON with a schema or in words",
    "streaming": "delivers the text in one piece",
}
