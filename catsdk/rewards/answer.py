"""AnswerReward and Gold: whether a rollout gives the reference's final answer, or the known one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from catsdk.answers.verdict import Verdict
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_kind
from catsdk.core.types import Failure, Group, Reference, Rollout, Score
from catsdk.rewards.reward import LEFT_OUT, Reward, unscored
from catsdk.runtime.context import Context
from catsdk.runtime.roles import Estimator, check_role, result_of

__all__ = ["AnswerReward", "Gold", "compared"]


@dataclass(frozen=True)
class AnswerReward(Reward):
    r"""R(o; s) = 1 where the final answer of o equals that of s, else 0 (paper, equation 1).

    A rollout without a final answer did not give the right one, so its reward is 0. If it cannot
    be decided whether two answers are the same, the score is `unknown`. If the estimator abstains,
    as `Harmony()` and `Majority(tie="abstain")` can, the group is left out.

    Args:
        estimator: A reference of this reward's own, such as `Majority()` (with it this is the
            reward of TTRL, arXiv 2504.16084); by default the run's reference.
        unknown: The reward where the comparison is not decided; `None` is no reward.

    Raises:
        InvalidInputError: `estimator` has no method `estimate`, or `unknown` is not finite.

    Example:
        >>> import catsdk as cat
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42.0}", r"\boxed{41}"])
        >>> reward = cat.AnswerReward(estimator=cat.Majority())
        >>> [score.value for score in await reward.reward(group)]
        [1.0, 1.0, 0.0]
    """

    estimator: Estimator | None = None
    unknown: float | None = None
    by_answer = True

    def __post_init__(self) -> None:
        """Check the estimator."""
        if self.estimator is not None:
            fix = "an object with an async method estimate(group, ctx), such as Majority()"
            check_role("estimator", self.estimator, Estimator, fix)
        check_kind("unknown", self.unknown, (int, float), "a finite number, or None")
        if self.unknown is not None and not isfinite(self.unknown):
            raise InvalidInputError(f"unknown is {self.unknown}; give a finite number, or None")
        object.__setattr__(self, "needs_reference", self.estimator is None)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Compare each rollout's answer with the reference's."""
        if self.estimator is not None:
            estimated = self.estimator.estimate(group, ctx.on(group).quiet())
            reference = await result_of(estimated, self.estimator, "estimate")
        if not isinstance(reference, Reference | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(
                f"the reference of an answer reward is {reference!r:.80}; give a Reference,"
                " such as ctx.reference(rollout)"
            )
        if reference is not None and reference.answer is None and (why := _abstains(reference)):
            return unscored(group, Failure(kind=LEFT_OUT, message=why))
        if reference is None or reference.answer is None:
            message = (
                "the reference has no final answer; ask for one in the prompt, such as 'put the"
                " final answer in \\boxed{}', or reward by a rubric where answers cannot be checked"
            )
            return unscored(group, Failure(kind="NoReferenceAnswer", message=message))
        return await compared(group, [reference.answer], "the reference's", ctx, self.unknown)


@dataclass(frozen=True)
class Gold(Reward):
    r"""1 where the final answer equals the data row's known answer: the upper bound, with labels.

    The known answer is read as a rollout is (`... #### 72`, `\boxed{72}`, or bare). A list holds
    several accepted answers.

    Args:
        column: The column of the data row with the known answer.

    Example:
        >>> import catsdk as cat
        >>> c = cat.CaT(reward=cat.Gold("answer"))
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{41}"])
        >>> (await c.run(group, row={"answer": "6 * 7 is 42\n#### 42"})).rewards
        (1.0, 0.0)
    """

    column: str = "answer"
    needs_reference = False
    by_answer = True

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Compare each rollout's answer with the row's."""
        wanted = ctx.answers.golds(ctx.row.get(self.column))
        if not wanted:
            found = ctx.row.get(self.column)
            message = (
                f"the row's {self.column!r} is {found!r:.80}; a gold reward needs a known answer"
                f" there. The row has {', '.join(ctx.row) or 'no columns'}"
            )
            return unscored(group, Failure(kind="NoGoldAnswer", message=message))
        return await compared(group, wanted, "the known answer", ctx, None)


async def compared(
    group: Group, wanted: Sequence[str], whose: str, ctx: Context, unknown: float | None
) -> list[Score]:
    """Score each rollout that is there by whether its answer is one of `wanted`.

    Args:
        group: The rollouts; each distinct answer is compared once.
        wanted: The accepted answers.
        whose: What they are, for the reasons.
        ctx: Has the `answers` that compare.
        unknown: The value where no comparison says yes and one is not decided.
    """
    answers = list(dict.fromkeys(r.answer for r in group.rollouts if r.answer is not None))

    async def grade(answer: str) -> Verdict:
        return await ctx.answers.grade_any(answer, wanted)

    verdicts = dict(zip(answers, await fan_out(grade, answers), strict=True))
    shown = " or ".join(wanted)
    return [
        Score(index=rollout.index, value=0.0, reasons=("it gives no final answer",))
        if rollout.answer is None
        else _score(rollout, f"{whose} {shown}", verdicts[rollout.answer], unknown)
        for rollout in group.rollouts
    ]


def _abstains(reference: Reference) -> str | None:
    """Why the estimator deliberately gave no answer, which is not a failure."""
    why = reference.provenance.settings.get("abstains")
    return why if isinstance(why, str) else None


def _score(rollout: Rollout, wanted: str, verdict: Verdict, unknown: float | None) -> Score:
    equal = verdict.equal
    if equal is not None:
        relation = "equals" if equal else "differs from"
        reason = f"its answer {rollout.answer} {relation} {wanted}"
        return Score(index=rollout.index, value=float(equal), reasons=(reason,))
    because = ": ".join(part for part in (verdict.cause, verdict.detail) if part)
    reason = f"whether its answer {rollout.answer} equals {wanted} is unknown"
    failure = Failure(kind="UnknownVerdict", message=f"{reason} ({because})")
    return Score(index=rollout.index, value=unknown, reasons=(reason,), failure=failure)
