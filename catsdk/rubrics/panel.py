"""Panel: several judges as one, by majority or mean, with every vote kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from catsdk.core.choices import check_choice
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.model_strings import check_model
from catsdk.core.ports import Provider
from catsdk.core.types import Criterion, Failure, Rollout, Rubric, Verdict
from catsdk.rubrics.judge import Judge
from catsdk.runtime import roles
from catsdk.runtime.context import Context, standing_alone

__all__ = ["Panel"]

Rule = Literal["majority", "mean"]


@dataclass(frozen=True, init=False)
class Panel:
    """Several judges as one: asks all of them at once, and answers by `rule`.

    Args:
        judges: The members; a model is a judge with default settings.
        rule: With `majority` a criterion is met when more members say yes than no, and a tie is no
            verdict; with `mean` its degree is the share of yes.
        at_least: How many members must have given a verdict, by default more than half; those that
            gave none do not count.

    Raises:
        InvalidInputError: there is no member, or one is neither a judge nor a model, `at_least`
            is not between 1 and their number, or `rule` is neither of the two.

    Example:
        >>> from catsdk import Panel
        >>> Panel("openai:a", "anthropic:b").rule
        'majority'
    """

    judges: tuple[roles.Judge, ...]
    rule: Rule
    at_least: int | None

    def __init__(
        self,
        *judges: str | Provider | roles.Judge,
        rule: Rule = "majority",
        at_least: int | None = None,
    ) -> None:
        """Check the members and the rule."""
        for each in judges:
            roles.refuse_class("a judge of a panel", each)
            if not isinstance(each, roles.Judge):
                check_model(each, "a judge of a panel")
        members = tuple(each if isinstance(each, roles.Judge) else Judge(each) for each in judges)
        for name, value in (("judges", members), ("rule", rule), ("at_least", at_least)):
            object.__setattr__(self, name, value)
        check_choice("rule", self.rule, get_args(Rule))
        if not self.judges or not 1 <= self._enough <= len(self.judges):
            raise InvalidInputError(
                f"a panel of {counted(len(self.judges), 'judge')} with"
                f" at_least={self.at_least}; give one"
                " judge or more, and at_least between 1 and their number"
            )

    @property
    def _enough(self) -> int:
        return len(self.judges) // 2 + 1 if self.at_least is None else self.at_least

    async def judge(
        self, rubric: Rubric, rollout: Rollout, ctx: Context | None = None
    ) -> tuple[Verdict, ...]:
        """Give one verdict for each of the K criteria, in their order, with its votes."""
        async with standing_alone(ctx) as context:

            async def vote(judge: roles.Judge) -> dict[str, Verdict]:
                return {v.criterion_id: v for v in await judge.judge(rubric, rollout, context)}

            ballots = await fan_out(vote, self.judges)
        return tuple(map(partial(self._verdict, ballots), rubric.criteria))

    def _verdict(self, ballots: Sequence[dict[str, Verdict]], criterion: Criterion) -> Verdict:
        votes = tuple(ballot[criterion.id] for ballot in ballots if criterion.id in ballot)
        degrees = [vote.degree for vote in votes if vote.degree is not None]
        verdict = Verdict(criterion_id=criterion.id, met=None, judge="panel", votes=votes)
        if len(degrees) < self._enough:
            told = f"{len(degrees)} of {len(self.judges)} judges gave a verdict"
            cause = next((f"; {vote.failure}" for vote in votes if vote.failure), "")
            failure = Failure(kind="NoQuorum", message=told + cause)
            return verdict.model_copy(update={"failure": failure})
        yes = sum(degrees) / len(degrees)
        if self.rule == "mean":
            return self._decided(verdict, met=yes > 0.5, grade=yes)
        if yes == 0.5:
            failure = Failure(kind="Tie", message=f"{len(degrees)} judges are divided in half")
            return verdict.model_copy(update={"failure": failure})
        return self._decided(verdict, met=yes > 0.5, grade=None)

    def _decided(self, verdict: Verdict, *, met: bool, grade: float | None) -> Verdict:
        # Show first the evidence of a member that agrees with the panel's verdict.
        agreeing = next((vote for vote in verdict.votes if vote.met is met), None)
        shown = (
            {}
            if agreeing is None
            else agreeing.model_dump(include={"evidence", "quoted", "reason"})
        )
        return verdict.model_copy(update={"met": met, "grade": grade, **shown})
