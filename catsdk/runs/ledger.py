"""Ledger: a provider whose answers are kept in a run store, so that none is paid for twice."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from weakref import WeakValueDictionary

import anyio

from catsdk.core.errors import UnsupportedError
from catsdk.core.ports import (
    Capabilities,
    OnText,
    Provider,
    Scorer,
    capabilities_of,
    name_of,
    tokens_of,
)
from catsdk.core.types import Completion, Message, Request, Usage
from catsdk.middleware.gates import endpoint_of
from catsdk.middleware.priced import priced
from catsdk.middleware.prices import Rates
from catsdk.runs.store import RunStore

__all__ = ["Ledger", "paid", "place"]

KIND = "answer"


@dataclass
class _Place:
    """Where calls are made; `taken` are the numbers of equal requests that are under way or done."""

    name: str
    taken: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def take(self, digest: str) -> int:
        taken = self.taken.setdefault(digest, set())
        number = next(at for at in range(len(taken) + 1) if at not in taken)
        taken.add(number)
        return number


_place: ContextVar[_Place | None] = ContextVar("catsdk_place", default=None)


@contextmanager
def place(name: str) -> Generator[None]:
    """Name the piece of work whose calls are made inside, in this task and those it starts.

    Equal requests made inside are told apart by their number; equal requests with the same number
    in two blocks of the same name are one: the second gets the first one's answer.
    """
    token = _place.set(_Place(name))
    try:
        yield
    finally:
        _place.reset(token)


class Ledger:
    """Passes requests to `wrapped` and keeps each answer; what is kept is not asked for again.

    An answer is kept by the model's endpoint and name, the place, the whole request and its number
    among equal ones there; two models behind one name at one address are one here. A failed call is
    not kept and takes no number, so that its retry is the same call. Equal requests at the same time
    are sent once. Stored answers have the usage that was paid when they came, with its cost by
    `rates`, where those are known. What is asked for is kept as a digest only.
    """

    def __init__(self, wrapped: Provider, store: RunStore, rates: Rates | None = None) -> None:
        """Keep the answers of `wrapped` in `store`, which must be open."""
        self.wrapped = wrapped
        self.store = store
        self.rates = rates
        self._nowhere = _Place("")
        self._waiting: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @property
    def endpoint(self) -> str | None:
        """What tells the wrapped provider's service and model from others, where that is known."""
        return endpoint_of(self.wrapped)

    @property
    def name(self) -> str:
        """The wrapped provider's name."""
        return name_of(self.wrapped)

    @property
    def base_url(self) -> object:
        """The address that the wrapped provider names, which its price goes by; `False` for none."""
        return getattr(self.wrapped, "base_url", False)

    @property
    def free(self) -> bool:
        """Whether the wrapped provider's answers cost nothing."""
        return getattr(self.wrapped, "free", False) is True

    @property
    def capabilities(self) -> Capabilities:
        """The wrapped provider's capabilities."""
        return capabilities_of(self.wrapped)

    def count_tokens(self, text: str) -> int:
        """The wrapped provider's count, or its estimate."""
        return tokens_of(self.wrapped, text)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Give the kept answer, or ask for it and keep it; raises what the provider raises."""

        async def ask() -> Sequence[Completion]:
            return await self.wrapped.complete(request)

        completions = await self._once(f"complete\0{request.model_dump_json()}", ask)
        if on_text is not None and completions:
            on_text(completions[0].text)
        return completions

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """Give the kept score of `text`, or ask for it and keep it.

        Raises:
            UnsupportedError: the wrapped provider scores no texts.
        """
        scorer = self.wrapped
        if not isinstance(scorer, Scorer):
            raise UnsupportedError(
                f"{self.name} cannot score a given text; use a local model or vLLM",
                capability="score",
                model=self.name,
            )
        asked = Request(messages=(*messages, Message(role="assistant", content=text)))

        async def ask() -> Sequence[Completion]:
            return [await scorer.score(messages, text)]

        return (await self._once(f"score\0{asked.model_dump_json()}", ask))[0]

    async def _once(
        self, request: str, ask: Callable[[], Awaitable[Sequence[Completion]]]
    ) -> Sequence[Completion]:
        here = _place.get() or self._nowhere
        whose = self.endpoint or self.name
        digest = sha256(f"{whose}\0{here.name}\0{request}".encode()).hexdigest()
        number = here.take(digest)
        key = f"{digest}-{number}"
        # Kept alive by those who wait for it.
        lock = self._waiting.setdefault(key, anyio.Lock())
        try:
            async with lock:
                kept = await self.store.get(KIND, key)
                completions = self._priced(await ask() if kept is None else _read(kept))
                if (written := _written(completions)) != kept:
                    await self.store.put(KIND, key, written)
                return completions
        except BaseException:
            here.taken[digest].discard(number)
            raise

    def _priced(self, completions: Sequence[Completion]) -> Sequence[Completion]:
        rates = self.rates
        return completions if rates is None else [priced(each, rates) for each in completions]


def _written(completions: Sequence[Completion]) -> str:
    return json.dumps([each.model_dump(mode="json", exclude_defaults=True) for each in completions])


def _read(kept: str) -> list[Completion]:
    return [Completion.model_validate(each) for each in json.loads(kept)]


async def paid(store: RunStore) -> Usage:
    """What all kept answers consumed, each counted once however often it was used."""
    answers = (await store.all(KIND)).values()
    return Usage.total(each.usage for kept in answers for each in _read(kept))
