"""What an endpoint really does, found by asking it: for `catsdk doctor --deep`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

from catsdk.core.display.counting import counted
from catsdk.core.errors import CatError, UnsupportedError
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.types import Completion, Message, Request, Usage

__all__ = ["Probed", "probed"]

ROOM = 48
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_QUESTION = "Write one sentence about cats."
_FORM = 'Answer with JSON of the form {"answer": "..."}: what is the capital of France?'


class Probed(NamedTuple):
    """One probe: what was tried, how it came out, and what catsdk does with that."""

    name: str
    state: Literal["ok", "absent", "failed"]
    said: str


Probe = Callable[[Provider], Awaitable[str]]


class _Absent(Exception):
    """The endpoint does without an error what it was asked, but not as asked."""


async def probed(provider: Provider) -> list[Probed]:
    """Ask `provider` a dozen short questions, one after the other; what it lacks is `absent`.

    Nothing is probed further where not even a plain question is answered.
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
    return Request.model_validate({"messages": messages, "max_tokens": ROOM, **settings})


async def _one(provider: Provider, request: Request) -> Completion:
    return (await provider.complete(request))[0]


async def _plain(provider: Provider) -> str:
    completion = await _one(provider, _asked())
    thinking = ", with its thinking kept apart" if completion.reasoning else ""
    return f"answers{thinking}; ends by {completion.finish_reason!r}; {_tokens(completion.usage)}"


async def _n(provider: Provider) -> str:
    completions = await provider.complete(_asked(n=3))
    if len(completions) < 3:
        raise _Absent(f"gives {len(completions)} of 3 answers, so catsdk {_WITHOUT['n']}")
    return f"gives 3 answers a request; catsdk sends one request a group; {_counted(completions)}"


def _counted(completions: Sequence[Completion]) -> str:
    usage = Usage.total(completion.usage for completion in completions)
    if usage.unreported:
        return "no usage is reported: budgets count the most that a call can use"
    if usage.estimated:
        return "only one answer's tokens are reported: catsdk estimates the others"
    return f"all answers' tokens are reported ({usage.output_tokens})"


def _tokens(usage: Usage) -> str:
    return "usage is not reported" if usage.unreported else counted(usage.tokens, "token")


async def _logprobs(provider: Provider) -> str:
    completion = await _one(provider, _asked(logprobs=True))
    if not completion.logprobs:
        raise _Absent(f"none came back, so catsdk {_WITHOUT['logprobs']}")
    return f"come with {counted(len(completion.logprobs), 'token')}"


async def _seed(provider: Provider) -> str:
    request = _asked(seed=7, **_warm(provider))
    first, again = await _one(provider, request), await _one(provider, request)
    if first.text != again.text:
        raise _Absent("accepted, but two answers with one seed differ: runs are not repeatable")
    return "two answers with one seed are equal"


def _warm(provider: Provider) -> dict[str, Any]:
    return {"temperature": 1.0} if capabilities_of(provider).temperature else {}


async def _schema(provider: Provider) -> str:
    _check_form(await _one(provider, _asked(_FORM, json_schema=_SCHEMA)))
    return "enforced; judges and rubrics use it"


async def _tools(provider: Provider) -> str:
    _check_form(await _one(provider, _asked(_FORM, json_schema=_SCHEMA, schema_by="tool")))
    return "a function that must be called is called"


def _check_form(completion: Completion) -> None:
    try:
        held = isinstance(json.loads(completion.text)["answer"], str)
    except (ValueError, KeyError, TypeError):
        held = False
    if not held and completion.finish_reason == "length":
        raise _Absent(f"cut at {ROOM} tokens before the object was complete")
    if not held:
        raise _Absent(f"accepted, but ignored: {completion.text[:60]!r}; catsdk reads and re-asks")


async def _streaming(provider: Provider) -> str:
    pieces: list[str] = []
    (completion,) = await provider.complete(_asked(), pieces.append)
    if "".join(pieces) != completion.text:
        raise _Absent("the pieces differ from the answer; use the text of the completion")
    # Several pieces may arrive together: their number says nothing of the service.
    return f"the pieces join to the answer; {_tokens(completion.usage)}"


def _context(provider: Provider) -> Probed:
    length = capabilities_of(provider).context_length
    if length is None:
        said = "not known before; the service's refusal is the sign that a prompt is too long"
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
# What catsdk does without each of them.
_WITHOUT = {
    "plain": "cannot use it",
    "n": "sends one request an answer",
    "logprobs": "cannot rank answers by their probability",
    "seed": "cannot repeat a run exactly",
    "schema": "asks for JSON by a function or in words",
    "tools": "asks for JSON by a schema or in words",
    "streaming": "gives the text in one piece",
}
