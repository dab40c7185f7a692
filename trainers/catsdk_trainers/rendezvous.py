"""Rendezvous: samples that come one by one wait until their group is whole, and are scored together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup
from pydantic import Field

from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.inputs import PromptLike
from catsdk.core.options import Options
from catsdk.core.types import Failure, Group
from catsdk.primitives.sampler import group_of
from catsdk_trainers.scoring import GroupScore, GroupScorer, unscored

__all__ = ["BusyError", "Limits", "Rendezvous", "Sample", "Seat"]


class BusyError(CatError):
    """As many groups as allowed are open; come again later."""


class Limits(Options):
    """What the service takes on at once, so that its memory is bounded.

    `groups` may be open, gathering or being scored, at once. A group whose samples are not there
    after `patience` seconds, or that is not scored within `deadline` seconds, has no reward.
    `kept` results can be asked for again by a client whose answer got lost.
    """

    groups: int = Field(default=256, ge=1)
    samples: int = Field(default=64, ge=1, description="most samples of a group")
    characters: int = Field(default=200_000, ge=1, description="most of one response or prompt")
    body: int = Field(default=2**24, ge=1024, description="bytes of one request")
    patience: float = Field(default=600.0, gt=0)
    deadline: float = Field(default=900.0, gt=0)
    kept: int = Field(default=4096, ge=0)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One response of a group of `size`, named `group`; `id` lets a client ask twice safely."""

    group: str
    size: int
    prompt: PromptLike
    response: str
    row: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A sample's place in its group, and what the group earned."""

    at: int
    score: GroupScore


@dataclass(eq=False)
class _Gathering:
    first: Sample
    samples: list[Sample] = field(default_factory=list[Sample])
    done: anyio.Event = field(default_factory=anyio.Event)
    score: GroupScore | None = None

    @property
    def whole(self) -> bool:
        return len(self.samples) == self.first.size

    def group(self) -> Group:
        return group_of(self.first.prompt, [sample.response for sample in self.samples])


class Rendezvous:
    """Brings the samples of a group together; runs in `tasks`, which outlive any one client."""

    def __init__(self, scorer: GroupScorer, tasks: TaskGroup, limits: Limits) -> None:
        """Score whole groups by `scorer`."""
        self._scorer, self._tasks, self._limits = scorer, tasks, limits
        self._gathering: dict[str, _Gathering] = {}
        self._known: OrderedDict[str, tuple[_Gathering, Sample]] = OrderedDict()
        self.open = 0

    async def join(self, sample: Sample) -> Seat:
        """Wait until the group of `sample` is whole and scored.

        The first sample of a group decides its size, prompt and row. Samples of one group beyond
        its size begin the next group of that name.

        Raises:
            BusyError: too many groups are open.
            InvalidInputError: the sample is over a limit, or does not fit its group.
        """
        known = self._known.get(sample.id or "")
        gathering, sample = known or (self._seated(sample), sample)
        if gathering.whole and known is None:
            self._gathering.pop(sample.group, None)
            self._tasks.start_soon(self._score, gathering)
        try:
            with anyio.move_on_after(self._limits.patience) as waiting:
                await gathering.done.wait()
        except BaseException:
            self._leave(gathering, sample)
            raise
        if waiting.cancelled_caught and not gathering.whole:
            self._expire(gathering)
        elif waiting.cancelled_caught:
            await gathering.done.wait()
        assert gathering.score is not None
        return Seat(gathering.samples.index(sample), gathering.score)

    async def score(
        self, prompt: PromptLike, responses: list[str], row: Mapping[str, Any]
    ) -> GroupScore:
        """Score a group that is whole already.

        Raises:
            BusyError, InvalidInputError: as for `join`.
        """
        self._check(len(responses), *responses)
        self._open()
        try:
            return await self._scored(group_of(prompt, responses), row)
        finally:
            self.open -= 1

    def _seated(self, sample: Sample) -> _Gathering:
        self._check(sample.size, sample.response)
        gathering = self._gathering.get(sample.group)
        if gathering is None:
            group_of(sample.prompt, [])
            self._open()
            gathering = self._gathering[sample.group] = _Gathering(sample)
        first = gathering.first
        if (sample.size, sample.prompt) != (first.size, first.prompt):
            raise InvalidInputError(
                f"group {sample.group!r} has {first.size} samples of another prompt or number: give"
                " each group a name of its own"
            )
        gathering.samples.append(sample)
        if sample.id is not None:
            self._known[sample.id] = (gathering, sample)
            while len(self._known) > self._limits.kept + self.open * self._limits.samples:
                self._known.popitem(last=False)
        return gathering

    def _check(self, size: int, *texts: str) -> None:
        if not 1 <= size <= self._limits.samples:
            raise InvalidInputError(
                f"a group of {size} samples; give from 1 to {self._limits.samples}"
            )
        longest = max(map(len, texts))
        if longest > self._limits.characters:
            raise InvalidInputError(
                f"a response has {longest} characters, over the limit of {self._limits.characters}"
            )

    def _open(self) -> None:
        if self.open >= self._limits.groups:
            raise BusyError(f"{self.open} groups are open, as many as are allowed")
        self.open += 1

    async def _score(self, gathering: _Gathering) -> None:
        try:
            gathering.score = await self._scored(gathering.group(), gathering.first.row)
        finally:
            self.open -= 1
            gathering.done.set()

    async def _scored(self, group: Group, row: Mapping[str, Any]) -> GroupScore:
        late = Failure(kind="TimedOutError", message=f"not scored in {self._limits.deadline:g} s")
        try:
            with anyio.move_on_after(self._limits.deadline):
                return await self._scorer.score_group(group, row)
        except Exception as error:  # noqa: BLE001 - a defect costs this group, not the service
            return unscored(group, Failure.of(error))
        return unscored(group, late)

    def _expire(self, gathering: _Gathering) -> None:
        """Give up on a group whose samples did not come; those who wait are told."""
        if gathering.done.is_set():
            return
        there, size = len(gathering.samples), gathering.first.size
        message = f"{there} of {size} samples came within {self._limits.patience:g} s"
        gathering.score = unscored(
            gathering.group(), Failure(kind="MissingSamples", message=message)
        )
        self._close(gathering)

    def _leave(self, gathering: _Gathering, sample: Sample) -> None:
        """Take back the sample of a client that went away before its group was whole.

        One with an id stays: its client may be asking again already.
        """
        if sample.id is not None or gathering.whole or gathering.done.is_set():
            return
        gathering.samples.remove(sample)
        if not gathering.samples:
            self._close(gathering)

    def _close(self, gathering: _Gathering) -> None:
        if self._gathering.get(gathering.first.group) is gathering:
            del self._gathering[gathering.first.group]
        self.open -= 1
        gathering.done.set()
