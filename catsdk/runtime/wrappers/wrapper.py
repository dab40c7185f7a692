"""The base of all wrappers: holds the wrapped provider, and passes its declarations through."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from catsdk.core.errors import UnsupportedError
from catsdk.core.ports import (
    Capabilities,
    OnText,
    Provider,
    Scorer,
    capabilities_of,
    declared,
    name_of,
    tokens_of,
)
from catsdk.core.types import Completion, Message, Request

__all__ = ["ScoreRequest", "Wrapper"]


class ScoreRequest(Request):
    """Asks how probable the last message's text is as the answer to the messages before it.

    Wrappers see it as any request, so that a score is limited, tried again, paid and listed as an
    answer is. The innermost one turns it into a call of the provider's `score`.
    """

    scored: Literal[True] = True


@dataclass
class Wrapper:
    r"""A provider around another one; by itself it changes nothing.

    A wrapper of your own overrides `complete` and hands requests on by `pass_on`; so it wraps
    scores too. Give it to a client's `middleware`.

    Args:
        wrapped: The provider inside.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.runtime import Wrapper
        >>> from catsdk.testing import FunctionProvider
        >>> class Counting(Wrapper):
        ...     calls = 0
        ...     async def complete(self, request, on_text=None):
        ...         Counting.calls += 1
        ...         return await self.pass_on(request, on_text)
        >>> client = cat.Client(middleware=[*cat.default_middleware(), Counting])
        >>> policy = FunctionProvider(lambda request: r"\boxed{4}")
        >>> result = await cat.CaT(policy, estimator=cat.Majority(), client=client).run("2+2?")
        >>> Counting.calls
        1
    """

    wrapped: Provider

    @property
    def name(self) -> str:
        """The wrapped provider's name."""
        return self._known_name

    @cached_property
    def _known_name(self) -> str:
        inner = self.wrapped
        if isinstance(inner, Wrapper) and type(inner).name is Wrapper.name:
            return inner._known_name
        return name_of(inner)

    @property
    def endpoint(self) -> object:
        """What the wrapped provider says tells it from others; `None` if it says nothing."""
        return declared(self._declaring("endpoint"), "endpoint")

    @property
    def base_url(self) -> object:
        """The address that the wrapped provider names; `False` where it names none."""
        return declared(self._declaring("base_url"), "base_url", False)

    @property
    def free(self) -> bool:
        """Whether the wrapped provider's answers cost nothing."""
        return declared(self._declaring("free"), "free", False) is True

    @property
    def capabilities(self) -> Capabilities:
        """The wrapped provider's capabilities, as they are known now."""
        return capabilities_of(self._declaring("capabilities"))

    @cached_property
    def _declarers(self) -> dict[str, Provider]:
        return {}

    def _declaring(self, attribute: str) -> Provider:
        """The first provider inside that does more with `attribute` than pass it on.

        Every call needs it and it never changes, so each wrapper remembers it: outer wrappers may
        be created for each piece of work.
        """
        found = self._declarers.get(attribute)
        if found is None:
            found, passed_on = self.wrapped, getattr(Wrapper, attribute)
            if isinstance(found, Wrapper) and getattr(type(found), attribute) is passed_on:
                found = found._declaring(attribute)
            self._declarers[attribute] = found
        return found

    def count_tokens(self, text: str) -> int:
        """The wrapped provider's count, or its estimate."""
        return tokens_of(self.wrapped, text)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on."""
        return await self.pass_on(request, on_text)

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """Score `text` as a `Scorer` does, through this wrapper and those inside it.

        Raises:
            UnsupportedError: the wrapped provider scores no texts; nothing was sent.
        """
        asked = Message(role="assistant", content=text)
        completion = (await self.complete(ScoreRequest(messages=(*messages, asked))))[0]
        if completion.text != text:
            raise self._scores_nothing()
        return completion

    def pass_on(
        self, request: Request, on_text: OnText | None = None
    ) -> Awaitable[Sequence[Completion]]:
        """Hand a request on to the wrapped provider; to be awaited.

        Args:
            request: What is asked: an answer, or a score.
            on_text: Receives the pieces of the first answer's text.

        Returns:
            What the wrapped provider answers, or its score where that is asked for.

        Raises:
            UnsupportedError: a score is asked for, and the wrapped provider scores no texts.
        """
        # Not async, since that would add a frame to each of the ten wrappers around a call.
        if not isinstance(request, ScoreRequest) or isinstance(self.wrapped, Wrapper):
            return self.wrapped.complete(request, on_text)
        return self._scored(request)

    async def _scored(self, request: ScoreRequest) -> Sequence[Completion]:
        if not isinstance(self.wrapped, Scorer):
            raise self._scores_nothing()
        return [await self.wrapped.score(request.messages[:-1], request.messages[-1].text)]

    def _scores_nothing(self) -> UnsupportedError:
        return UnsupportedError(
            f"{self.name} cannot score a given text; use a local model or vLLM",
            capability="score",
            model=self.name,
        )
