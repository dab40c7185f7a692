"""Samples the rollouts of each item once, and runs every estimator on the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import comb
from random import Random

from anyio import CapacityLimiter
from pydantic import Field

from catsdk.answers.answers import Answers
from catsdk.answers.votes import Votes
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError
from catsdk.core.inputs import MAX_ROLLOUTS
from catsdk.core.options import Options
from catsdk.core.types import Failure, Group, Reference, Rollout, Score, Usage
from catsdk.core.value import Value
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.items import Item
from catsdk.evaluate.observations import Observation, Seen
from catsdk.method.run import whole_reference
from catsdk.runs.ledger import Ledger
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Sampler

__all__ = ["Experiment", "Sweep"]

OnSeen = Callable[[Seen], None]


class Sweep(Options):
    """Which sub-samples are looked at.

    Args:
        sizes: The G; the largest is how many rollouts are drawn.
        draws: Sub-samples of each size that are averaged for estimators without calls (fewer where
            there are no more), which narrows their noise at no price; the others see the first G
            rollouts.
        at_once: Items that are in work at once.
        seed: Chooses the sub-samples.

    Raises:
        InvalidInputError: an option is unknown or out of its range.

    Example:
        >>> from catsdk.evaluate import Sweep
        >>> Sweep(sizes=(1, 4, 16)).most
        16
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
    """One sub-sample of an item's rollouts, with its votes and grades."""

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
    failed calls too. Grading is not part of a contender's cost. With a `ledger` answers are kept
    and not paid for twice; rollouts, references and verdicts are written beside them.

    Args:
        sampler: Draws the rollouts.
        contenders: Answer from them.
        grader: Says how good an answer is.
        sweep: Which sub-samples are looked at.
        ledger: Keeps what was paid for; `None` keeps nothing.
        keeps_texts: Whether what was seen is given with its texts.

    Raises:
        InvalidInputError: a size is out of range, or two contenders have one name.
    """

    sampler: Sampler
    contenders: Sequence[Contender]
    grader: ItemGrader = ItemGrader()
    sweep: Sweep = Sweep()
    ledger: Ledger | None = None
    keeps_texts: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes out of range, and two contenders of one name."""
        sizes = self.sweep.sizes
        if not sizes or not all(1 <= size <= MAX_ROLLOUTS for size in sizes):
            raise InvalidInputError(f"sizes is {sizes}; give numbers from 1 to {MAX_ROLLOUTS}")
        names = [contender.name for contender in self.contenders]
        if len(set(names)) < len(names):
            raise InvalidInputError(f"the contenders have the names {names}; give each its own")

    async def run(
        self, items: Sequence[Item], ctx: Context | None = None, on_seen: OnSeen = lambda _: None
    ) -> list[Seen]:
        """See all items; a failure of a model is data.

        Args:
            items: What is asked.
            ctx: Opens models, and has the `answers`; without one the experiment stands alone.
            on_seen: Hears of each item as it is finished.

        Raises:
            ConfigurationError: a model cannot be opened.
        """
        limiter = CapacityLimiter(self.sweep.at_once)
        async with standing_alone(ctx) as context:

            async def see(item: Item) -> Seen:
                async with limiter:
                    seen = await self._see(item, context)
                on_seen(seen)
                return seen if self.keeps_texts else seen.without_texts()

            return await fan_out(see, items)

    async def _see(self, item: Item, ctx: Context) -> Seen:
        group = await self._drawn(item, ctx)
        scores = await self._scores(item, group, ctx)
        references: dict[str, dict[int, Reference]] = {}
        observations: list[Observation] = []
        for size in sorted(set(self.sweep.sizes)):
            cases = [
                await _case(part, scores, item, ctx) for part in self._parts(item, group, size)
            ]
            work = [
                (contender, draw, case)
                for contender in self.contenders
                if contender.sizes is None or size in contender.sizes
                for draw, case in enumerate(cases if contender.free else cases[:1])
            ]

            async def observe(one: tuple[Contender, int, _Case], size: int = size) -> Observation:
                contender, draw, case = one
                made, observation = await self._observe(item, contender, size, draw, case, ctx)
                if made is not None and draw == 0:
                    references.setdefault(contender.name, {})[size] = made
                return observation

            observations += await fan_out(observe, work)
        return Seen(
            item=item,
            group=group,
            scores={at: s.value for at, s in scores.items() if s.value is not None},
            observations=await _classed(observations, ctx.answers),
            references=references,
        )

    def _at(self, ctx: Context, place: str) -> Context:
        """The context for one piece of work; its answers are kept under the place of that work."""
        if self.ledger is None:
            return ctx
        return replace(ctx, around=(self.ledger.at(place), *ctx.around))

    async def _drawn(self, item: Item, ctx: Context) -> Group:
        async def one(index: int) -> Group:
            there = self._at(ctx, f"{item.id}/rollout/{index}")
            drawn = await self.sampler.sample(item.prompt, 1, there, start=index)
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

    async def _scores(self, item: Item, group: Group, ctx: Context) -> dict[int, Score]:
        async def grade(rollout: Rollout) -> Score:
            return await self._graded(
                item, f"rollout/{rollout.index}", rollout.text, rollout.answer, ctx
            )

        scores = await fan_out(grade, group.rollouts)
        return {rollout.index: score for rollout, score in zip(group.rollouts, scores, strict=True)}

    async def _graded(
        self, item: Item, what: str, text: str, answer: str | None, ctx: Context
    ) -> Score:
        # One place for all texts, so that equal texts are judged only once.
        score = await self.grader.grade(item, text, answer, self._at(ctx, "grade"))
        await self._keep("verdict", f"{item.id}/{what}", score)
        return score

    def _parts(self, item: Item, group: Group, size: int) -> list[Group]:
        """The first rollouts, then random sub-samples, all different."""
        random = Random(sha256(f"{self.sweep.seed}\0{item.id}\0{size}".encode()).digest())
        most = self.sweep.most
        wanted = min(self.sweep.draws, comb(most, size))
        chosen = {tuple(range(size)): None}
        while len(chosen) < wanted:
            chosen[tuple(sorted(random.sample(range(most), size)))] = None
        return [_part(group, indices) for indices in chosen]

    async def _observe(
        self,
        item: Item,
        contender: Contender,
        size: int,
        draw: int,
        case: _Case,
        ctx: Context,
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
        there = self._at(ctx, item.id).on(case.group)
        with recorded("evaluate") as calls:
            try:
                made = await contender.estimator.estimate(case.group, there)
            except ConfigurationError:
                raise
            except CatError as error:
                usage = Usage.total(call.usage for call in calls) + _usage(case.group)
                failed = {"failure": Failure.of(error), "usage": usage}
                return None, seen.model_copy(update=failed)
            reference = await whole_reference(contender.estimator, made, calls, there)
        await self._keep("reference", f"{item.id}/{key}", _without_group(reference))
        score = await self._graded(item, key, reference.text, reference.answer, ctx)
        departs = None
        if reference.answer is not None and case.majority is not None:
            departs = not await ctx.answers.same(reference.answer, case.majority)
        update = {
            "answer": reference.answer,
            "score": score.value,
            "ungraded": score.failure,
            "usage": Usage.total(call.usage for call in calls) + _used(reference, case.group),
            "drawn": len(_rollouts_of(reference, case.group)),
            "tied": _tied(reference),
            "departs": departs,
            "followed": await _followed(reference, case, ctx.answers),
        }
        return reference, seen.model_copy(update=update)

    async def _keep(self, kind: str, key: str, value: Value) -> None:
        if self.ledger is not None:
            await self.ledger.store.put(kind, key, value.model_dump_json(exclude_defaults=True))


async def _case(group: Group, scores: dict[int, Score], item: Item, ctx: Context) -> _Case:
    votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
    values = [scores[rollout.index].value for rollout in group.rollouts]
    return _Case(
        group=group,
        votes=votes,
        majority=votes.majority,
        majority_score=None if votes.leader is None or not item.accepted else values[votes.leader],
        all_wrong=None if not item.accepted or None in values or not values else not any(values),
    )


async def _classed(
    observations: Sequence[Observation], answers: Answers
) -> tuple[Observation, ...]:
    """Number the classes of equal answers."""
    votes = await answers.votes([observation.answer for observation in observations])
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

    They are matched by identity: an equal text may be another answer, with its own cost.
    """
    there = {rollout.index: rollout.completion for rollout in group.rollouts}
    return [r for r in reference.group.rollouts if there.get(r.index) is r.completion]


def _used(reference: Reference, group: Group) -> Usage:
    rollouts = _rollouts_of(reference, group)
    return Usage.total(rollout.completion.usage for rollout in rollouts)


def _without_group(reference: Reference) -> Reference:
    """Drop the group, since the rollouts have entries of their own."""
    return reference.model_copy(update={"group": Group(prompt=(), rollouts=())})


def _tied(reference: Reference) -> bool | None:
    told = reference.provenance.settings.get("tied")
    return told if isinstance(told, bool) else None


async def _followed(reference: Reference, case: _Case, answers: Answers) -> tuple[bool, ...]:
    if len(case.votes.classes) < 2 or reference.answer is None:
        return ()
    by_index = {rollout.index: rollout.answer for rollout in case.group.rollouts}
    shown = _shown(reference, case.group)
    told = [by_index.get(index) for index in shown]
    return tuple(
        [each is not None and bool(await answers.same(each, reference.answer)) for each in told]
    )


def _shown(reference: Reference, group: Group) -> list[int]:
    """The indices in the order in which the estimator showed the rollouts to its model."""
    told = reference.provenance.settings.get("rollouts")
    if isinstance(told, list):
        return [each for each in told if isinstance(each, int)]
    order = [r.index for r in reference.group.rollouts]
    return order if set(order) <= {r.index for r in group.rollouts} else []
