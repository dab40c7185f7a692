"""Recording and ReplayProvider: write real answers to a file, and replay them from it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import anyio
from anyio import to_thread
from anyio.lowlevel import checkpoint

from catsdk.core.errors import InvalidInputError, NotRecordedError
from catsdk.core.ports import (
    Capabilities,
    OnText,
    Provider,
    capabilities_of,
    name_of,
)
from catsdk.core.types import Completion, Request
from catsdk_providers.replay.file import Answer, Head, append, read, sample_of

__all__ = ["Recording", "ReplayProvider"]

Match = Literal["exact", "prompt"]


@runtime_checkable
class HidesSecrets(Protocol):
    """A provider that knows its secrets."""

    def hidden(self, text: str) -> str:
        """Return the text without those secrets."""
        ...


class Recording:
    r"""Wraps a provider and records each of its answers in a file.

    A file holds the answers of one provider; new ones are appended, even by concurrent calls. The
    provider's secrets are removed from everything that is written, and so are fields of
    `Request.extra` whose names suggest a key. Failed calls are not recorded.

    Used with `async with`, it opens and closes the wrapped provider.

    Args:
        provider: The provider to wrap.
        path: The file; it is created with the first answer.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.providers import Recording, ReplayProvider
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: [r"\boxed{4}", r"\boxed{5}"])
        >>> async with Recording(policy, "answers.jsonl") as recording:
        ...     first = await cat.Sampler(recording).sample("2+2?", n=2)
        >>> again = await cat.Sampler(ReplayProvider("answers.jsonl")).sample("2+2?", n=2)
        >>> [rollout.answer for rollout in again.rollouts]
        ['4', '5']
    """

    def __init__(self, provider: Provider, path: str | Path) -> None:
        """Set the file; it is created with the first answer."""
        self.wrapped = provider
        self.path = Path(path)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, and record the answers before returning them.

        Raises:
            ConfigurationError: the file holds another provider's answers.
        """
        completions = await self.wrapped.complete(request, on_text)
        answers = [
            Answer(sample_of(request, at), completion) for at, completion in enumerate(completions)
        ]
        head = Head(name_of(self.wrapped), capabilities_of(self.wrapped))
        # Paid answers are recorded even if the caller cancels now.
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(append, self.path, head, answers, self._hide())
        return completions

    def _hide(self) -> Callable[[str], str]:
        return self.wrapped.hidden if isinstance(self.wrapped, HidesSecrets) else str

    async def __aenter__(self) -> Self:
        """Open the wrapped provider."""
        if isinstance(self.wrapped, AbstractAsyncContextManager):
            await self.wrapped.__aenter__()
        return self

    async def __aexit__(self, *ending: Any) -> None:  # noqa: PYI036 - passed on as it is
        """Close the wrapped provider."""
        if isinstance(self.wrapped, AbstractAsyncContextManager):
            await self.wrapped.__aexit__(*ending)


class ReplayProvider:
    r"""Answers requests from the file of a `Recording`; nothing is sent.

    Equal requests get the recorded answers in turn, each once, so n samples get n different answers
    whether they are requested together or one by one. Text, usage and latency are as recorded. A
    request gets fewer answers than it asks for if fewer are left, and an error if none are.

    Args:
        path: The file; it is read immediately.
        match: `exact` replays the answers to the same messages and settings, `prompt` those to the
            same messages with any settings.

    Raises:
        InvalidInputError: no path is given.
        ConfigurationError: there is no such file, or it is not a file of recorded answers.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.providers import Recording, ReplayProvider
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: r"\boxed{4}", name="mine")
        >>> async with Recording(policy, "answers.jsonl") as recording:
        ...     group = await cat.Sampler(recording).sample("2+2?", n=2)
        >>> "mine" in ReplayProvider("answers.jsonl").name
        True
    """

    def __init__(self, path: str | Path | None, *, match: Match = "exact") -> None:
        """Read the file, in this thread."""
        if not path:
            raise InvalidInputError("replay needs the path of a recorded file, as 'replay:PATH'")
        self.path = Path(path)
        self._match: Match = match
        self._head, answers = read(self.path)
        self._answers: dict[str, list[Completion]] = defaultdict(list)
        self._requests: dict[str, Request] = {}
        for answer in answers:
            self._answers[self._key(answer.request)].append(answer.completion)
            self._requests.setdefault(_prompt(answer.request), answer.request)
        self._given: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """The recorded provider's name, prefixed with `replay:`."""
        return f"replay:{self._head.name}"

    @property
    def capabilities(self) -> Capabilities:
        """The recorded provider's capabilities, plus several answers at once and streaming."""
        return replace(self._head.capabilities, n=True, streaming=True)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Return the next recorded answers to `request`.

        Raises:
            NotRecordedError: there are none left.
        """
        await checkpoint()
        found = [self._next(sample_of(request, at)) for at in range(request.n)]
        completions = [completion for completion in found if completion is not None]
        if not completions:
            raise NotRecordedError(self._why_not(sample_of(request, 0)), model=self.name)
        if on_text is not None:
            on_text(completions[0].text)
        return completions

    def _next(self, sample: Request) -> Completion | None:
        key = self._key(sample)
        recorded, at = self._answers.get(key, []), self._given[key]
        if at >= len(recorded):
            return None
        self._given[key] += 1
        return recorded[at]

    def _key(self, sample: Request) -> str:
        return _prompt(sample) if self._match == "prompt" else _exact(sample)

    def _why_not(self, sample: Request) -> str:
        recorded = len(self._answers.get(self._key(sample), []))
        if recorded:
            return (
                f"{self.path} holds {recorded} answers to this request, and all were given; record"
                " more, or begin again with a new ReplayProvider"
            )
        begins = sample.messages[-1].text[:60] if sample.messages else ""
        near = self._requests.get(_prompt(sample))
        if near is None:
            return f"{self.path} holds no answer to the prompt that ends with {begins!r}"
        return (
            f"{self.path} holds no answer to this request; the prompt was recorded with other"
            f" settings: {_difference(sample, near)}. match='prompt' leaves settings out"
        )


def _exact(sample: Request) -> str:
    # The type fixes the order of the fields; the contents of `extra` and of a schema are sorted.
    plain = sample.model_copy(update={"extra": {}, "json_schema": None}).model_dump_json()
    return f"{plain} {_sorted(sample.extra)} {_sorted(sample.json_schema)}"


def _sorted(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _prompt(sample: Request) -> str:
    return Request(messages=sample.messages).model_dump_json()


def _difference(asked: Request, recorded: Request) -> str:
    pairs = [
        f"{name} is {getattr(asked, name)!r}, recorded {getattr(recorded, name)!r}"
        for name in Request.model_fields
        if getattr(asked, name) != getattr(recorded, name)
    ]
    return "; ".join(pairs)
