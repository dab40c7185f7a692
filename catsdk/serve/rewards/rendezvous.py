"""Rendezvous: samples that arrive one by one wait for the rest of their group to be scored."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import anyio
from anyio.abc import TaskGroup
from pydantic import Field

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.inputs import PromptLike, check_prompt
from catsdk.core.options import Options
from catsdk.core.sampled import completion_of
from catsdk.core.types import Completion, Failure, FinishReason, Group, Message, Usage
from catsdk.method.role_tree import known_columns, parts_of
from catsdk.rewards.penalties import LengthPenalty, TruncationPenalty
from catsdk.sampling.sampler import group_of
from catsdk.scored import Scored, failed_group, scored_group

__all__ = ["BusyError", "GroupLimits", "Outcome", "Rendezvous", "Response", "Sample", "Seat"]


class BusyError(CatError):
    """As many groups as allowed are open; come again later."""


class GroupLimits(Options):
    """What the service takes on at once, so that its memory is bounded.

    Args:
        groups: Most groups that are open, gathering or being scored.
        samples: Most samples of a group.
        characters: Most characters of a response, a prompt or a row.
        body: Most bytes of one request.
        bodies: Most bytes of requests that are being read.
        arrival: Seconds within which the header of a request, and then its body, must be there.
        patience: Seconds after its first sample within which a group must be whole; else it has no
            reward.
        deadline: Seconds within which a whole group must be scored; else it has no reward.
        grace: Seconds for which a sample with an id whose client went away keeps its place, so that
            the client may ask again; one without an id loses it at once.
        kept: How many results can be asked for again by a client whose answer got lost.

    Raises:
        InvalidInputError: an option is unknown or out of its range.

    Example:
        >>> from catsdk.serve import GroupLimits
        >>> GroupLimits(groups=32, patience=120)
        GroupLimits(groups=32, patience=120.0)
    """

    groups: int = Field(default=256, ge=1)
    samples: int = Field(default=64, ge=1, description="most samples of a group")
    characters: int = Field(default=200_000, ge=1, description="most of a response, prompt or row")
    body: int = Field(default=2**24, ge=1024, description="bytes of one request")
    bodies: int = Field(default=2**28, ge=1024, description="bytes of requests that are being read")
    arrival: float = Field(default=60.0, gt=0)
    patience: float = Field(default=600.0, gt=0)
    deadline: float = Field(default=900.0, gt=0)
    grace: float = Field(default=15.0, ge=0)
    kept: int = Field(default=4096, ge=0)


@dataclass(frozen=True, slots=True)
class Response:
    """A response, and where the trainer tells them, its length in tokens and why it ended."""

    text: str
    tokens: int | None = None
    finish_reason: FinishReason | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One response of a group of `size`, named `group`; `id` lets a client ask twice safely."""

    group: str
    size: int
    prompt: PromptLike
    response: Response
    row: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a group earned, without its prompt, row and responses: it is kept for a while.

    `reference` holds the reference's text, answer and agreement.
    """

    rewards: tuple[float | None, ...]
    reasons: tuple[str, ...]
    cause: str | None
    reference: Mapping[str, Any] | None
    usage: Usage

    @classmethod
    def of(cls, scored: Scored) -> Outcome:
        """What is to be told of `scored`."""
        result = scored.result
        reference: Mapping[str, Any] | None = None
        if result.reference is not None:
            reference = {
                name: getattr(result.reference, name) for name in ("text", "answer", "agreement")
            }
        return cls(
            result.rewards,
            tuple("; ".join(each.reasons) for each in result.scores),
            scored.cause,
            reference,
            result.usage,
        )


@dataclass(frozen=True, slots=True)
class Seat:
    """A sample's place in its group, and what the group earned."""

    at: int
    outcome: Outcome

    @property
    def reward(self) -> float | None:
        """The reward of this sample."""
        return self.outcome.rewards[self.at]

    @property
    def reason(self) -> str:
        """Why it is that, or why there is none."""
        return self.outcome.reasons[self.at]


@dataclass(eq=False)
class _Place:
    """A waiting sample and its number of `clients`; `back` is set when a client returns."""

    gathering: _Gathering
    response: Response
    mark: bytes
    key: bytes | None
    clients: int = 0
    back: anyio.Event = field(default_factory=anyio.Event)
    seat: Seat | None = None


@dataclass(eq=False)
class _Gathering:
    """An open group; `settled` is set when its samples can no longer change, `done` at the end."""

    name: str
    size: int
    prompt: tuple[Message, ...]
    row: Mapping[str, Any]
    answers: Answers
    places: list[_Place] = field(default_factory=list[_Place])
    settled: anyio.Event = field(default_factory=anyio.Event)
    done: anyio.Event = field(default_factory=anyio.Event)

    def group(self) -> Group:
        return _group(self.prompt, [place.response for place in self.places], self.answers)


class Rendezvous:
    """Brings the samples of a group together; runs in `tasks`, which outlive any one client.

    `needs` names what must be told of each response beside its text, and the setting of the
    reward that reads it.
    """

    def __init__(self, c: CaT, tasks: TaskGroup, limits: GroupLimits) -> None:
        """Score whole groups by `c`, which is open."""
        self._cat, self._tasks, self._limits = c, tasks, limits
        self._gathering: dict[str, _Gathering] = {}
        self._places: dict[bytes, _Place] = {}
        self._kept: OrderedDict[bytes, tuple[bytes, Seat]] = OrderedDict()
        self.needs = _needed(c)
        self.open = 0

    async def join(self, sample: Sample) -> Seat:
        """Wait until the group of `sample` is whole and scored.

        The first sample of a group decides its size, prompt and row; another known answer than its
        own is refused. Samples of one group beyond
        its size begin the next group of that name. An id that the group knows is asked for again:
        it gets the place, or the result, that it has.

        Raises:
            BusyError: too many groups are open.
            InvalidInputError: the sample is over a limit, does not fit its group, or lacks what
                the reward needs; or its id is empty or another sample's.
        """
        prompt = self._checked(sample.size, [sample.response], sample.prompt, sample.row)
        key, mark = _key(sample), _digest(sample.size, prompt, sample.response)
        known = self._known(key, mark, sample)
        if isinstance(known, Seat):
            return known
        return await self._waited(known or self._placed(sample, prompt, key, mark))

    async def score(
        self, prompt: PromptLike, responses: Sequence[Response], row: Mapping[str, Any]
    ) -> Outcome:
        """Score a group that is whole already.

        Raises:
            BusyError, InvalidInputError: as for `join`.
        """
        messages = self._checked(len(responses), responses, prompt, row)
        self._open()
        try:
            return await self._scored(_group(messages, responses, self._cat.answers), row)
        finally:
            self.open -= 1

    def close(self) -> None:
        """Give up on groups that are not whole; those that are being scored go on."""
        for gathering in list(self._gathering.values()):
            self._give_up(gathering, "before the service ended")

    def _known(self, key: bytes | None, mark: bytes, sample: Sample) -> _Place | Seat | None:
        if key is None:
            return None
        place = self._places.get(key)
        its_mark, known = (place.mark, place) if place else self._kept.get(key, (mark, None))
        if its_mark != mark:
            raise InvalidInputError(
                f"id {_shown(sample.id)} of group {_shown(sample.group)} is a sample of another"
                " size, prompt or response: give each sample an id of its own"
            )
        return known

    async def _waited(self, place: _Place) -> Seat:
        place.clients += 1
        place.back.set()
        try:
            await place.gathering.done.wait()
        finally:
            place.clients -= 1
            if not place.clients and not place.gathering.settled.is_set():
                self._abandoned(place)
        assert place.seat is not None
        return place.seat

    def _placed(
        self, sample: Sample, prompt: tuple[Message, ...], key: bytes | None, mark: bytes
    ) -> _Place:
        gathering = self._gathering.get(sample.group)
        if gathering is None:
            self._open()
            gathering = _Gathering(sample.group, sample.size, prompt, sample.row, self._cat.answers)
            self._gathering[sample.group] = gathering
            self._tasks.start_soon(self._expire, gathering)
        if (sample.size, prompt) != (gathering.size, gathering.prompt):
            raise InvalidInputError(
                f"group {_shown(sample.group)} has {gathering.size} samples of another prompt or"
                " number: give each group a name of its own"
            )
        for column in known_columns(self._cat.rewarder) & sample.row.keys():
            known, other = gathering.row.get(column), sample.row[column]
            if known != other:
                raise InvalidInputError(
                    f"group {_shown(sample.group)} has the known answer {_shown(known)} in the"
                    f" column {column!r}, and a sample of it has {_shown(other)}: give each group a"
                    " name of its own, and all of its samples one answer"
                )
        place = _Place(gathering, sample.response, mark, key)
        gathering.places.append(place)
        if key is not None:
            self._places[key] = place
        if len(gathering.places) == gathering.size:
            self._settle(gathering)
            self._tasks.start_soon(self._score, gathering)
        return place

    def _checked(
        self,
        size: int,
        responses: Sequence[Response],
        prompt: PromptLike,
        row: Mapping[str, Any],
    ) -> tuple[Message, ...]:
        if not 1 <= size <= self._limits.samples:
            raise InvalidInputError(
                f"a group of {size} samples; give from 1 to {self._limits.samples}"
            )
        if not isinstance(row, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"the row is {_shown(row)}; give an object of columns")
        messages = check_prompt(prompt)
        self._check_length("response", max(len(response.text) for response in responses))
        self._check_length("prompt", sum(len(message.text) for message in messages))
        self._check_length("row", len(json.dumps(row, ensure_ascii=False, default=str)))
        for fact, setting in self.needs.items():
            if any(getattr(response, fact) is None for response in responses):
                raise InvalidInputError(
                    f"the reward's {setting!r} needs {fact!r} of each response: send it, or take"
                    f" {setting!r} out of the config"
                )
        return messages

    def _check_length(self, name: str, characters: int) -> None:
        if characters > self._limits.characters:
            raise InvalidInputError(
                f"a {name} has {characters} characters, over the limit of {self._limits.characters}"
            )

    def _open(self) -> None:
        if self.open >= self._limits.groups:
            raise BusyError(f"{self.open} groups are open, as many as are allowed")
        self.open += 1

    async def _score(self, gathering: _Gathering) -> None:
        try:
            outcome = await self._scored(gathering.group(), gathering.row)
        finally:
            self.open -= 1
        self._finish(gathering, outcome)

    async def _scored(self, group: Group, row: Mapping[str, Any]) -> Outcome:
        late = Failure(kind="TimedOutError", message=f"not scored in {self._limits.deadline:g} s")
        try:
            with anyio.move_on_after(self._limits.deadline):
                return Outcome.of(await scored_group(self._cat, group, row))
        except Exception as error:  # noqa: BLE001 - a defect costs this group, not the service
            return Outcome.of(failed_group(group, Failure.of(error)))
        return Outcome.of(failed_group(group, late))

    async def _expire(self, gathering: _Gathering) -> None:
        """Give up on a group whose samples do not arrive, and fail those that wait."""
        with anyio.move_on_after(self._limits.patience):
            await gathering.settled.wait()
        if gathering.settled.is_set():
            return
        self._give_up(gathering, f"within {self._limits.patience:g} s")

    def _give_up(self, gathering: _Gathering, when: str) -> None:
        there = len(gathering.places)
        message = f"{there} of {gathering.size} samples came {when}"
        missing = Failure(kind="MissingSamples", message=message)
        self._settle(gathering)
        self.open -= 1
        self._finish(gathering, Outcome.of(failed_group(gathering.group(), missing)))

    def _abandoned(self, place: _Place) -> None:
        """Withdraw the sample of a client that disconnected; one with an id may be sent again."""
        if place.key is None:
            self._leave(place)
        else:
            place.back = anyio.Event()
            self._tasks.start_soon(self._leave_after_grace, place, place.back)

    async def _leave_after_grace(self, place: _Place, back: anyio.Event) -> None:
        with anyio.move_on_after(self._limits.grace):
            await back.wait()
        if not back.is_set():
            self._leave(place)

    def _leave(self, place: _Place) -> None:
        gathering = place.gathering
        if gathering.settled.is_set():
            return
        gathering.places.remove(place)
        if place.key is not None:
            del self._places[place.key]
        if not gathering.places:
            self._settle(gathering)
            self.open -= 1

    def _settle(self, gathering: _Gathering) -> None:
        del self._gathering[gathering.name]
        gathering.settled.set()

    def _finish(self, gathering: _Gathering, outcome: Outcome) -> None:
        for at, place in enumerate(gathering.places):
            place.seat = Seat(at, outcome)
            if place.key is not None:
                del self._places[place.key]
                self._kept[place.key] = (place.mark, place.seat)
        gathering.places.clear()
        while len(self._kept) > self._limits.kept:
            self._kept.popitem(last=False)
        gathering.done.set()


def _needed(c: CaT) -> Mapping[str, str]:
    """The facts that the reward of `c` needs of a response beside its text, and which part does."""
    needs: dict[str, str] = {}
    for part in parts_of(c.rewarder):
        if isinstance(part, LengthPenalty) and part.counter is None:
            needs["tokens"] = "LengthPenalty"
        if isinstance(part, TruncationPenalty):
            needs["finish_reason"] = "TruncationPenalty"
    return needs


def _group(prompt: tuple[Message, ...], responses: Sequence[Response], answers: Answers) -> Group:
    return group_of(prompt, list(map(_completion, responses)), answers=answers)


def _completion(response: Response) -> Completion:
    known: dict[str, Any] = {}
    if response.tokens is not None:
        known["usage"] = Usage(output_tokens=response.tokens)
    if response.finish_reason is not None:
        known["finish_reason"] = response.finish_reason
    return completion_of(response.text, **known)


def _key(sample: Sample) -> bytes | None:
    if sample.id is None:
        return None
    if not isinstance(sample.id, str) or not sample.id:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the id is {_shown(sample.id)}; give a text that is not empty, or leave it out"
        )
    return _digest(sample.group, sample.id)


def _digest(*parts: object) -> bytes:
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def _shown(value: object) -> str:
    return repr(value)[:80]
