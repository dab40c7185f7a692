"""Draws the rollouts of each item once, and lets every contender answer from the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import comb
from random import Random

from anyio import CapacityLimiter
from pydantic import Field

from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.inputs import MAX_ROLLOUTS
from catsdk.core.options import Options
from catsdk.core.ports import Sampler
from catsdk.core.types import Failure, Group, Reference, Rollout, Score, Usage, Value
from catsdk.equivalence.compare import is_same
from catsdk.equivalence.votes import Votes, count_votes
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.items import Item
from catsdk.evaluate.observations import Observation, Seen
from catsdk.middleware.record import recorded
from catsdk.runs.ledger import place
from catsdk.runs.store import RunStore

__all__ = ["Experiment", "Sweep"]

OnSeen = Callable[[Seen], None]


class Sweep(Options):
    """Which sub-samples are looked at.

    `sizes` are the G; the largest is how many rollouts are drawn. For estimators without calls
    `draws` sub-samples of each size are averaged (fewer where there are no more), which narrows
    their noise at no price; the others see the first G rollouts. `at_once` items are in work.
    """

    sizes: tuple[int, ...] = (1, 2, 4, 8)
    draws: int = Field(default=16, ge=1)
    at_once: int = Field(default=64, ge=1)
    seed: int = 0

    @property
    def most(self) -> int:
        """The number of rollouts that are drawn."""
        return max(self.sizes)


@dataclass(frozen=True, slots=True)
class _Case:
    """One sub-sample of an item's rollouts, with what is known about it without an estimator."""

    group: Group
    votes: Votes
    majority: str | None
    majority_score: float | None
    all_wrong: bool | None


@dataclass(frozen=True)
class Experiment:
    """Compares `contenders` on rollouts of `sampler`, graded by `grader`.

    Every rollout is one request, so that each is kept, resumed and paid for by itself. What a
    sub-sample costs is what its rollouts cost and what the contender's own calls cost, retries and
    failed calls too. Grading is not part of a contender's cost. With `store`, rollouts, references
    and verdicts are written as they arrive; that nothing is paid for twice is the work of the
    `Ledger` around each model.
    """

    sampler: Sampler
    contenders: Sequence[Contender]
    grader: ItemGrader = ItemGrader()
    sweep: Sweep = Sweep()
    store: RunStore | None = None

    def __post_init__(self) -> None:
        """Refuse sizes out of range, and two contenders of one name."""
        sizes = self.sweep.sizes
        if not sizes or not all(1 <= size <= MAX_ROLLOUTS for size in sizes):
            raise InvalidInputError(f"sizes are {sizes}; give numbers from 1 to {MAX_ROLLOUTS}")
        names = [contender.name for contender in self.contenders]
        if len(set(names)) < len(names):
            raise InvalidInputError(f"contenders are named {names}; give each a name of its own")

    async def run(self, items: Sequence[Item], on_seen: OnSeen = lambda _: None) -> list[Seen]:
        """See all items; `on_seen` is told each as it is finished. A failure is data."""
        limiter = CapacityLimiter(self.sweep.at_once)

        async def see(item: Item) -> Seen:
            async with limiter:
                seen = await self._see(item)
            on_seen(seen)
            return seen

        return await fan_out(see, items)

    async def _see(self, item: Item) -> Seen:
        group = await self._drawn(item)
        scores = await self._scores(item, group)
        references: dict[str, dict[int, Reference]] = {}
        observations: list[Observation] = []
        for size in sorted(set(self.sweep.sizes)):
            cases = [
                await self._case(part, scores, item) for part in self._parts(item, group, size)
            ]
            work = [
                (contender, draw, case)
                for contender in self.contenders
                if contender.sizes is None or size in contender.sizes
                for draw, case in enumerate(cases if contender.free else cases[:1])
            ]

            async def observe(one: tuple[Contender, int, _Case], size: int = size) -> Observation:
                contender, draw, case = one
                made, observation = await self._observe(item, contender, size, draw, case)
                if made is not None and draw == 0:
                    references.setdefault(contender.name, {})[size] = made
                return observation

            observations += await fan_out(observe, work)
        return Seen(
            item=item,
            group=group,
            scores={at: s.value for at, s in scores.items() if s.value is not None},
            observations=_classed(observations),
            references=references,
        )

    async def _drawn(self, item: Item) -> Group:
        async def one(index: int) -> Group:
            with place(f"{item.id}/rollout/{index}"):
                drawn = await self.sampler.sample(item.prompt, 1, start=index)
            await self._keep("rollout", f"{item.id}/{index}", drawn)
            return drawn

        parts = await fan_out(one, range(self.sweep.most))
        return Group(
            prompt=item.prompt,
            rollouts=tuple(rollout for part in parts for rollout in part.rollouts),
            failures={at: each for part in parts for at, each in part.failures.items()},
            calls=tuple(call for part in parts for call in part.calls),
            partial=any(part.partial for part in parts),
        )

    async def _scores(self, item: Item, group: Group) -> dict[int, Score]:
        async def grade(rollout: Rollout) -> Score:
            return await self._graded(
                item, f"rollout/{rollout.index}", rollout.text, rollout.answer
            )

        scores = await fan_out(grade, group.rollouts)
        return {r.index: score for r, score in zip(group.rollouts, scores, strict=True)}

    async def _graded(self, item: Item, what: str, text: str, answer: str | None) -> Score:
        # Under the item's name: an equal text of another contender needs no second verdict.
        with place(f"{item.id}/grade"):
            score = await self.grader.grade(item, text, answer)
        await self._keep("verdict", f"{item.id}/{what}", score)
        return score

    def _parts(self, item: Item, group: Group, size: int) -> list[Group]:
        """The first rollouts, then random sub-samples that differ from each other."""
        random = Random(sha256(f"{self.sweep.seed}\0{item.id}\0{size}".encode()).digest())
        most = self.sweep.most
        wanted = min(self.sweep.draws, comb(most, size))
        chosen = {tuple(range(size)): None}
        while len(chosen) < wanted:
            chosen[tuple(sorted(random.sample(range(most), size)))] = None
        return [_part(group, indices) for indices in chosen]

    async def _case(self, group: Group, scores: dict[int, Score], item: Item) -> _Case:
        votes = count_votes([rollout.answer for rollout in group.rollouts])
        values = [scores[rollout.index].value for rollout in group.rollouts]
        leader = None if votes.tied or not votes.classes else votes.classes[0][0]
        return _Case(
            group=group,
            votes=votes,
            majority=votes.majority,
            majority_score=None if leader is None or item.gold is None else values[leader],
            all_wrong=None
            if item.gold is None or None in values or not values
            else not any(values),
        )

    async def _observe(
        self, item: Item, contender: Contender, size: int, draw: int, case: _Case
    ) -> tuple[Reference | None, Observation]:
        key = f"{contender.name}/{size}/{draw}"
        seen = Observation(
            estimator=contender.name,
            item=item.id,
            size=size,
            draw=draw,
            majority_score=case.majority_score,
            all_wrong=case.all_wrong,
        )
        with place(f"{item.id}"), recorded("evaluate") as calls:
            try:
                reference = await contender.estimator.estimate(case.group)
            except CatError as error:
                usage = Usage.total(call.usage for call in calls) + _usage(case.group)
                failed = {"failure": Failure.of(error), "usage": usage}
                return None, seen.model_copy(update=failed)
        await self._keep("reference", f"{item.id}/{key}", _without_group(reference))
        score = await self._graded(item, key, reference.text, reference.answer)
        departs = None
        if reference.answer is not None and case.majority is not None:
            departs = not is_same(reference.answer, case.majority)
        update = {
            "answer": reference.answer,
            "score": score.value,
            "ungraded": score.failure,
            "usage": Usage.total(call.usage for call in calls) + _used(reference, case.group),
            "drawn": len(_rollouts_of(reference, case.group)),
            "tied": _tied(reference),
            "departs": departs,
            "followed": _followed(reference, case),
        }
        return reference, seen.model_copy(update=update)

    async def _keep(self, kind: str, key: str, value: Value) -> None:
        if self.store is not None:
            await self.store.put(kind, key, value.model_dump_json(exclude_defaults=True))


def _classed(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """Number the classes of equal answers."""
    votes = count_votes([observation.answer for observation in observations])
    number = {at: n for n, members in enumerate(votes.classes) for at in members}
    return tuple(
        observation.model_copy(update={"answer_class": number.get(at)})
        for at, observation in enumerate(observations)
    )


def _part(group: Group, indices: Sequence[int]) -> Group:
    return group.model_copy(
        update={
            "rollouts": tuple(r for r in group.rollouts if r.index in indices),
            "failures": {at: each for at, each in group.failures.items() if at in indices},
            "calls": (),
        }
    )


def _usage(group: Group) -> Usage:
    return Usage.total(rollout.completion.usage for rollout in group.rollouts)


def _rollouts_of(reference: Reference, group: Group) -> Sequence[Rollout]:
    """The rollouts of the sub-sample that the reference was made from.

    The same objects: a new answer that says the same was paid for once more.
    """
    there = {rollout.index: rollout.completion for rollout in group.rollouts}
    return [r for r in reference.group.rollouts if there.get(r.index) is r.completion]


def _used(reference: Reference, group: Group) -> Usage:
    rollouts = _rollouts_of(reference, group)
    return Usage.total(rollout.completion.usage for rollout in rollouts)


def _without_group(reference: Reference) -> Reference:
    """The rollouts stand in entries of their own."""
    return reference.model_copy(update={"group": Group(prompt=(), rollouts=())})


def _tied(reference: Reference) -> bool | None:
    told = reference.provenance.settings.get("tied")
    return told if isinstance(told, bool) else None


def _followed(reference: Reference, case: _Case) -> tuple[bool, ...]:
    if len(case.votes.classes) < 2 or reference.answer is None:
        return ()
    by_index = {rollout.index: rollout.answer for rollout in case.group.rollouts}
    shown = _shown(reference, case.group)
    answers = [by_index.get(index) for index in shown]
    return tuple([each is not None and is_same(each, reference.answer) for each in answers])


def _shown(reference: Reference, group: Group) -> list[int]:
    """The indices in the order in which the estimator showed the rollouts to its model."""
    told = reference.provenance.settings.get("rollouts")
    if isinstance(told, list):
        return [each for each in told if isinstance(each, int)]
    order = [r.index for r in reference.group.rollouts]
    return order if set(order) <= {r.index for r in group.rollouts} else []
