"""Looking: sample prompts as the training would, reward them by its method, and grade them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeVar

import anyio

from catsdk.answers.votes import Votes
from catsdk.cat import CaT
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError
from catsdk.core.types import Failure, Group, Reference, Usage
from catsdk.rewards.answer import AnswerReward, Gold
from catsdk.runtime.attribution import recorded
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, Row, context_of
from catsdk.runtime.roles import Estimator
from catsdk.runtime.spending.account import Account
from catsdk.sampling.sampler import Sampler
from catsdk.scored import Scored, failed_group, scored_group
from catsdk_trainers.data.grading import mean_score, right_or_not
from catsdk_trainers.preflight.seen import Opinion, Seen

__all__ = ["Looked", "Looking", "OnProgress"]

P = TypeVar("P")
R = TypeVar("R")
OnProgress = Callable[[str, int, int], None]
"""Called with a step (`sampling`, `rewarding`, `comparing`), its finished prompts, and all."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The groups of a set of prompts, and what they cost.

    Args:
        seen: The groups, in the order of their prompts.
        sampling: Seconds spent on rollouts.
        scoring: Seconds spent on references, verdicts and rewards.
        usage: The usage of the calls for scoring; sampling, which the trainer does, is not in it.
    """

    seen: tuple[Seen, ...]
    sampling: float
    scoring: float
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Samples, rewards and grades prompts for a preflight.

    Args:
        method: The open CaT of the training, with its models bound.
        policy: Samples as the trainer would.
        sending: The client settings for rollouts, as the policy is a model in this process.
        group: G, the rollouts per prompt.
        second: Gives a second view of confident majorities; `None` if the teacher is the second
            view.
        deadline: Seconds within which a group must be scored.
        account: Pays for the calls to anchor and judge.
        on_progress: Called for each prompt that finished a step: the step, how many, of how many.
    """

    method: CaT
    policy: Sampler
    sending: Client
    group: int
    second: Estimator | None
    deadline: float
    account: Account | None = None
    on_progress: OnProgress = lambda *_: None

    async def at(self, rows: Sequence[Mapping[str, Any]], column: str | None = None) -> Looked:
        """Sample and reward each row and, if `column` names known answers, grade it."""
        began = perf_counter()
        async with context_of(self.sending) as ctx:
            groups = await self._each(
                "sampling", lambda row: self.policy.sample(row["prompt"], self.group, ctx), rows
            )
        sampled = perf_counter()
        pairs = [(group, _others(row)) for group, row in zip(groups, rows, strict=True)]
        with recorded("preflight") as calls:
            scored = await self._each("rewarding", lambda pair: self._scored(*pair), pairs)
            used = Usage.total(call.usage for call in calls)
        ended = perf_counter()
        seen = await self._each(
            "comparing",
            lambda at: self._graded(scored[at], pairs[at][1], column),
            range(len(pairs)),
        )
        return Looked(tuple(seen), sampled - began, ended - sampled, used)

    async def _each(
        self, step: str, work: Callable[[P], Awaitable[R]], items: Sequence[P]
    ) -> list[R]:
        """Do `work` on all items concurrently, and report how many are done."""
        done = 0

        async def one(item: P) -> R:
            nonlocal done
            result = await work(item)
            done += 1
            self.on_progress(step, done, len(items))
            return result

        self.on_progress(step, 0, len(items))
        return await fan_out(one, items)

    async def _scored(self, group: Group, row: Row) -> Scored:
        with anyio.move_on_after(self.deadline):
            return await scored_group(self.method, group, row, self.account)
        late = Failure(kind="TimedOutError", message=f"not scored within {self.deadline:g} s")
        return failed_group(group, late)

    async def _graded(self, scored: Scored, row: Row, column: str | None) -> Seen:
        group, reference = scored.group, scored.result.reference
        async with self.method.context(row=row, budget=self.account) as context:
            ctx = context.on(group)
            votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
            accepted = ctx.answers.golds(row.get(column)) if column is not None else ()
            seen = Seen(
                scored=scored,
                votes=votes,
                matching=await _matching(group, reference, ctx),
                right=await _right_rollouts(group, column, ctx) if column and accepted else None,
                majority=await right_or_not(votes.majority, accepted, ctx),
                teacher=None
                if reference is None
                else await right_or_not(reference.answer, accepted, ctx),
            )
            return await self._with_opinion(seen, votes, ctx)

    async def _with_opinion(self, seen: Seen, votes: Votes, ctx: Context) -> Seen:
        """Ask the second view if most rollouts agree."""
        if not seen.confident or votes.majority is None:
            return seen
        opinion = await self._opinion(seen.scored, votes.majority, ctx)
        return replace(seen, opinion=opinion)

    async def _opinion(self, scored: Scored, majority: str, ctx: Context) -> Opinion:
        reference = scored.result.reference
        if self.second is not None:
            try:
                with anyio.move_on_after(self.deadline):
                    reference = await self.second.estimate(scored.group, ctx)
            except CatError as error:
                return Opinion(because=str(Failure.of(error)))
        if reference is None or reference.answer is None:
            return Opinion(because=scored.cause or "the second view gave no final answer")
        same = (await ctx.answers.grade_any(reference.answer, [majority])).equal
        return Opinion(reference.answer, None if same is None else not same)


def _others(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name != "prompt"}


async def _matching(group: Group, reference: Reference | None, ctx: Context) -> float | None:
    """The share of rollouts with the reference's answer."""
    if reference is None or reference.answer is None:
        return None
    return mean_score(await AnswerReward().reward(group, reference, ctx))


async def _right_rollouts(group: Group, column: str, ctx: Context) -> tuple[float | None, ...]:
    return tuple(score.value for score in await Gold(column).reward(group, None, ctx))
