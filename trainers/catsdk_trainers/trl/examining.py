"""Examiner: the accuracy of policy, majority and teacher on held-out prompts with known answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anyio import to_thread

from catsdk.answers.votes import Votes
from catsdk.cat import CaT
from catsdk.core.errors import CatError
from catsdk.core.types import Failure, Group, Reference, Result
from catsdk.rewards.answer import AnswerReward, Gold
from catsdk.runtime.context import Context, Row
from catsdk.runtime.roles import Estimator
from catsdk.runtime.spending.account import Account
from catsdk.scored import Scored, failed_group
from catsdk_trainers.data.first_answers import FirstAnswers
from catsdk_trainers.data.grading import mean_score, right_or_not

__all__ = ["Examiner"]


@dataclass(frozen=True)
class Examiner:
    r"""Evaluates groups of held-out rollouts; its results are never trained on.

    With a known answer in `column`, the measures are accuracies: `policy`, the mean over the
    rollouts; `majority`; `teacher`, the reference that the estimator makes from them (synthesis on
    top of the policy); `lead`, teacher minus policy; `over_majority`, teacher minus majority; and
    `unlike_majority`, whether exactly one of those two is right. The scores of the rollouts say
    whether they are right. Without a known answer there are no accuracies, and the scores say which
    rollouts agree with the teacher. `agreement` is always measured. So is `kept`, if `first` has an
    answer that the policy was sure of: whether the majority is still that answer. Answers that
    could not be compared are not counted.

    Args:
        column: The column with known answers, read as `Gold` does: each is parsed like a rollout,
            and a list holds several accepted answers.
        estimator: The teacher; by default the estimator of the CaT.
        first: Stores the answers that the policy was sure of at its first evaluation.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.train import Examiner
        >>> group = cat.group_of("2+2?", [r"\boxed{4}", r"\boxed{4}", r"\boxed{5}", r"\boxed{4}"])
        >>> async with cat.CaT(estimator=cat.Majority(), reward=cat.AnswerReward()) as c:
        ...     scored = await Examiner().examine(c, group, {"answer": "4"})
        >>> scored.measures["policy"], scored.measures["majority"]
        (0.75, 1.0)
    """

    column: str = "answer"
    estimator: Estimator | None = None
    first: FirstAnswers | None = None

    async def examine(
        self, c: CaT, group: Group, row: Row, account: Account | None = None
    ) -> Scored:
        """Estimate the reference of `group`, and compare everything with the known answer.

        Args:
            c: The open CaT, whose models, answers and estimator are used.
            group: The rollouts.
            row: The other columns of the group's data row.
            account: Pays for the calls, in addition to the client's budget.

        Returns:
            The measures; if the teacher failed, only its own are missing.
        """
        async with c.context(row=row, budget=account) as ctx:
            return await self._examined(self.estimator or c.estimator, group, ctx.on(group))

    async def _examined(self, teacher: Estimator, group: Group, ctx: Context) -> Scored:
        reference: Reference | None = None
        cause: Failure | None = None
        try:
            reference = await teacher.estimate(group, ctx)
        except CatError as error:
            cause = Failure.of(error)
        if reference is not None and reference.agreement is None:
            reference = await ctx.with_evidence(reference)
        accepted = ctx.answers.golds(ctx.row.get(self.column))
        votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
        kept = await self._kept(votes, group, ctx)
        if not accepted:
            return await self._without_answer(group, reference, cause, kept, ctx)
        scores = await Gold(self.column).reward(group, None, ctx)
        measures = {"agreement": votes.share, "kept": kept, "policy": mean_score(scores)}
        measures["majority"] = await right_or_not(votes.majority, accepted, ctx)
        if reference is not None:
            measures["teacher"] = await right_or_not(reference.answer, accepted, ctx)
            measures["lead"] = _difference(measures["teacher"], measures["policy"])
            ahead = _difference(measures["teacher"], measures["majority"])
            measures["over_majority"] = ahead
            measures["unlike_majority"] = None if ahead is None else abs(ahead)
        result = Result(group=group, reference=reference, scores=scores, failure=cause)
        return Scored(group, result, _there(measures))

    async def _without_answer(
        self,
        group: Group,
        reference: Reference | None,
        cause: Failure | None,
        kept: float | None,
        ctx: Context,
    ) -> Scored:
        if reference is None:
            failed = failed_group(group, cause or Failure(kind="NoReference", message="none"))
            return replace(failed, measures=_there({"kept": kept}))
        scores = await AnswerReward().reward(group, reference, ctx)
        result = Result(group=group, reference=reference, scores=scores)
        return Scored(group, result, _there({"agreement": reference.agreement, "kept": kept}))

    async def _kept(self, votes: Votes, group: Group, ctx: Context) -> float | None:
        """Whether the majority is the answer the policy was sure of at first; a tie is not."""
        if self.first is None:
            return None
        asked = len(group.rollouts) + len(group.failures)
        # In a thread, since it reads and writes a file.
        before = await to_thread.run_sync(self.first.of, group.question, votes, asked)
        return None if before is None else await right_or_not(votes.majority, [before], ctx)


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _there(measures: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in measures.items() if value is not None}
