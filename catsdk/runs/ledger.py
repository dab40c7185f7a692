"""Ledger: stores the answers of models and their calls, so that none is paid for twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

import anyio

from catsdk.core.concurrency.flights import Flights
from catsdk.core.errors import CatError
from catsdk.core.ports import OnText, Provider, name_of
from catsdk.core.sending import Price
from catsdk.core.types import Call, Completion, Request, Usage
from catsdk.core.value import Value
from catsdk.runs.store import RunStore, nothing
from catsdk.runtime.attribution import attribution, recorded
from catsdk.runtime.limits.endpoints import endpoint_of
from catsdk.runtime.spending.prices import rates_of
from catsdk.runtime.wrappers.price import priced, priced_usage
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = [
    "ANSWER",
    "Consumed",
    "Keeping",
    "Kept",
    "Ledger",
    "Place",
    "add_spent",
    "consumed",
    "consumed_in",
    "paid",
]

ANSWER, LOST = "answer", "lost"
SAMPLE, SAMPLED = "sample", "sampled"
"""The stage of the rollouts, and the field that counts them beside what was consumed."""
KEY = 32
"""Hexadecimal digits of a key: 128 bits."""


@dataclass(eq=False)
class Ledger:
    """Keeps the answers of models in a run store; what is kept is not asked for again.

    `Context(around=(ledger.at("item 7"),))` puts it around the whole chain of wrappers, so that a
    kept answer takes nothing from a budget and no place in flight. With each answer its calls are
    kept, retries too: whoever is given a kept answer has the same calls listed as the one who paid.

    Args:
        store: Where answers are kept; it must be open.
        prices: The client's prices, by which answers that were kept without a cost get one.
        unkept: Most calls of a model that are under way, wait to be retried, or wait for their
            answer to be written: what is lost at most when the process is killed. `None` is no
            bound. More than the client's `in_flight`, so that waiting retries hold nobody up.
        keeps_texts: Whether answers are kept; else only what they consumed is, and each is asked
            for again.
        begins: Whether the store held no answer when the run began, and no place is worked on
            twice: then what a place asks for the first time need not be looked for.
        broken: What is wrong with the store, once something is, such as a full disk.
    """

    store: RunStore
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    unkept: int | None = None
    keeps_texts: bool = True
    begins: bool = False
    flights: Flights[str, Sequence[Completion]] = field(
        default_factory=Flights[str, Sequence[Completion]]
    )
    broken: CatError | None = None
    _rooms: dict[str, anyio.Semaphore] = field(default_factory=dict[str, anyio.Semaphore])
    _names: dict[int, tuple[Provider, str]] = field(default_factory=dict[int, tuple[Provider, str]])

    def at(self, place: str, attempt: int = 0) -> Place:
        """Give the wrapper for one piece of work.

        Equal requests made through the wrapper are told apart by their number. Equal requests with
        the same number in two pieces of work of one name are one: the second gets the first one's
        answer.

        Args:
            place: The name of the work, the same when the run is started again.
            attempt: Where it is not 0, the work is done anew from the sampling on: rollouts that
                are kept are given again, and what other steps were answered in an earlier attempt
                is not.
        """
        return Place(self, place, set() if self.begins else None, attempt=attempt)

    @contextmanager
    def noticing(self) -> Generator[None]:
        """Keep in mind what is wrong with the store: whoever asked for the answer may go on."""
        try:
            yield
        except CatError as error:
            self.broken = error
            raise

    def name_of(self, provider: Provider) -> str:
        """What answers of a model are kept under: its endpoint, else its name."""
        known = self._names.get(id(provider))
        if known is None or known[0] is not provider:
            # Keep a reference to the provider, so that its id is not reused.
            known = provider, endpoint_of(provider) or name_of(provider)
            self._names[id(provider)] = known
        return known[1]

    async def enter(self, whose: str) -> Callable[[], None]:
        """Wait until another call of that model may have no kept answer.

        Returns:
            What is to be called when its answer is kept, or there is none.
        """
        if self.unkept is None:
            return nothing
        room = self._rooms.get(whose)
        if room is None:
            room = self._rooms[whose] = anyio.Semaphore(self.unkept, fast_acquire=True)
        try:
            room.acquire_nowait()
        except anyio.WouldBlock:
            self.store.hurry()
            await room.acquire()
        return room.release

    async def keep(self, key: str, kept: Kept, whose: str, leave: Callable[[], None]) -> None:
        """Keep an answer.

        Args:
            key: Its key.
            kept: The answer, with its calls.
            whose: The model's name here.
            leave: What `enter` gave; called when the answer is in the file.
        """
        try:
            await kept.put(self.store, ANSWER, key, over=leave)
        except CatError as error:
            self.broken = error
            raise
        room = self._rooms.get(whose)
        if room is not None and not room.value:
            # Other callers wait until it is in the file.
            self.store.hurry()


@dataclass(eq=False)
class Place:
    """One piece of work: puts a `Keeping` around each provider that it asks.

    Args:
        ledger: Where its answers are kept.
        name: Its name, the same when the run is started again.
        asked: The keys that were looked for; `None` looks for each.
        taken: The numbers of equal requests, by what they ask.
        answers: The keys of its answers in the order in which they were asked for, those of judges
            left out, of which there may be hundreds.
        attempt: Which attempt it is at the steps after the sampling.
        sampled: How many answers it was given for rollouts.
    """

    ledger: Ledger
    name: str
    asked: set[str] | None = None
    taken: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    answers: dict[str, None] = field(default_factory=dict[str, None])
    attempt: int = 0
    sampled: int = 0

    def at(self, stage: str) -> str:
        """The name under which answers of a stage are kept."""
        anew = self.attempt and stage != SAMPLE
        return f"{self.name}\0attempt {self.attempt}" if anew else self.name

    def __call__(self, provider: Provider) -> Keeping:
        """The provider, with its answers kept."""
        return Keeping(provider, self.ledger, self)


class Kept(Value):
    """An entry: an answer with the calls that were made for it, or the calls of failures alone."""

    completions: tuple[Completion, ...] = ()
    calls: tuple[Call, ...] = ()

    @property
    def usage(self) -> Usage:
        """What the calls consumed; those that broke off cost nobody knows how much, so nothing."""
        known = [_known(call) for call in self.calls]
        return Usage.total(known or [each.usage for each in self.completions])

    def written(self) -> str:
        """The text that is kept."""
        # Twice as fast as `exclude_defaults`, which compares each field.
        return self.model_dump_json(exclude_unset=True)

    async def put(
        self, store: RunStore, kind: str, key: str, *, over: Callable[[], None] = nothing
    ) -> None:
        """Keep the entry, and beside it what it consumed, to be added up without the texts."""
        spent = self.usage.model_dump(mode="json", exclude_defaults=True)
        if self.completions and attribution().stage == SAMPLE:
            spent[SAMPLED] = len(self.completions)
        written = json.dumps(spent, separators=(",", ":"))
        await store.put(kind, key, self.written(), written, over=over)


@dataclass(eq=False)
class Keeping(Wrapper):
    """A provider whose answers are kept in a ledger, under the place that they are asked for.

    The key is the model's endpoint and name, the place, the whole request (as a digest) and its
    number among equal ones there; two models behind one name at one address are one here. A failed
    call is not kept and takes no number, so that asking again is the same call. Equal requests at
    the same time are sent once.
    """

    ledger: Ledger
    place: Place

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Give the kept answer, or ask for it and keep it; raises what the provider raises."""
        if not self.ledger.keeps_texts:
            completions = await self._only_counted(request)
        else:
            completions = await self._kept(request)
        if on_text is not None and completions:
            on_text(completions[0].text)
        return completions

    async def _kept(self, request: Request) -> Sequence[Completion]:
        whose, stage = self.ledger.name_of(self.wrapped), attribution().stage
        asked = f"{whose}\0{self.place.at(stage)}\0{request.model_dump_json()}"
        # Keys are most of what an index holds, and each write of one touches another page of it.
        digest = sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:KEY]
        number = self._take(digest)
        key = f"{digest}-{number}" if number else digest
        if stage != "judge":
            self.place.answers[key] = None

        async def give() -> Sequence[Completion]:
            kept = await self._looked_for(key)
            if kept is None:
                return await self._ask(key, whose, request)
            return await self._again(key, kept)

        try:
            completions, shared = await self.ledger.flights.once(key, give)
            if shared:
                # It is kept now, with its calls, which belong to whoever is given it.
                if self.place.asked is not None:
                    self.place.asked.add(key)
                completions = await give()
        except BaseException:
            self.place.taken[digest].discard(number)
            self.place.answers.pop(key, None)
            raise
        if stage == SAMPLE:
            self.place.sampled += len(completions)
        return completions

    async def _looked_for(self, key: str) -> str | None:
        asked = self.place.asked
        if asked is not None and key not in asked:
            asked.add(key)
            return None
        with self.ledger.noticing():
            return await self.ledger.store.get(ANSWER, key)

    async def _only_counted(self, request: Request) -> Sequence[Completion]:
        completions: Sequence[Completion] = ()
        with recorded(attribution().stage) as calls:
            try:
                completions = await self.pass_on(request)
                return completions
            finally:
                with anyio.CancelScope(shield=True):
                    await self._count(Kept(completions=tuple(completions), calls=tuple(calls)))

    async def _count(self, kept: Kept) -> None:
        """Store the consumption of calls, under a key that is unique to this run."""
        if kept.calls or kept.completions:
            spent = kept.usage.model_dump_json(exclude_defaults=True)
            with self.ledger.noticing():
                await self.ledger.store.put(LOST, uuid4().hex, "{}", spent)

    def _take(self, digest: str) -> int:
        taken = self.place.taken.setdefault(digest, set())
        number = 0
        while number in taken:
            number += 1
        taken.add(number)
        return number

    async def _ask(self, key: str, whose: str, request: Request) -> Sequence[Completion]:
        leave = await self.ledger.enter(whose)
        try:
            with recorded(attribution().stage, place=self.place.name, key=key) as calls:
                try:
                    completions = await self.pass_on(request)
                except CatError:
                    await self._lose(key, calls)
                    raise
            kept = Kept(completions=tuple(completions), calls=tuple(calls))
        except BaseException:
            leave()
            raise
        await self.ledger.keep(key, kept, whose, leave)
        return completions

    async def _lose(self, key: str, calls: Sequence[Call]) -> None:
        """Store the calls of a failure, which were paid for although there is no answer."""
        if calls:
            before = await self.ledger.store.get(LOST, key)
            lost = Kept.model_validate_json(before or "{}").calls
            await Kept(calls=(*lost, *calls)).put(self.ledger.store, LOST, key)

    async def _again(self, key: str, kept: str) -> Sequence[Completion]:
        entry = Kept.model_validate_json(kept)
        rates = rates_of(self.wrapped, self.ledger.prices)
        if rates is not None:
            entry = Kept(
                completions=tuple(priced(each, rates) for each in entry.completions),
                calls=tuple(
                    call.model_copy(update={"usage": priced_usage(call.usage, rates)})
                    for call in entry.calls
                ),
            )
            if entry.written() != kept:
                await entry.put(self.ledger.store, ANSWER, key)
        for listed in attribution().lists:
            listed.extend(entry.calls)
        return entry.completions


async def paid(store: RunStore) -> Usage:
    """Add up what a run consumed, each call once however often its answer was used.

    Calls that broke off are `unreported`; nobody knows what they cost, so the cost leaves them out.
    """
    return (await consumed(store)).usage


@dataclass(frozen=True, slots=True)
class Consumed:
    """What a run consumed, and what it holds for that.

    Args:
        usage: The usage of all calls.
        sampled: How many answers for rollouts are kept.
    """

    usage: Usage
    sampled: int


async def consumed(store: RunStore) -> Consumed:
    """As `paid`, with the number of rollouts that are kept."""
    totals: dict[str, Any] = {}
    async for page in store.spent():
        add_spent(totals, page)
    return consumed_in(totals)


def consumed_in(totals: Mapping[str, Any]) -> Consumed:
    """What sums made by `add_spent` mean."""
    usage = Usage(**{name: total for name, total in totals.items() if name != SAMPLED})
    return Consumed(usage, totals.get(SAMPLED, 0))


def add_spent(totals: dict[str, Any], page: Iterable[str]) -> None:
    """Add to the sums what entries of a store say was consumed and kept.

    Args:
        totals: The sums so far; one to which something unknown was added is `None` from then on.
        page: What some entries say, each as JSON.
    """
    # Made into values, a million of them would take half a minute; as one text they are read in
    # half the time.
    for spent in json.loads(f"[{','.join(page)}]"):
        for name, count in spent.items():
            before = totals.get(name, 0)
            totals[name] = None if count is None or before is None else before + count


def _known(call: Call) -> Usage:
    broke_off = call.failure is not None and call.usage.unreported
    return call.usage.model_copy(update={"cost": 0.0}) if broke_off else call.usage
