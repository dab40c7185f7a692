"""RubricReward: the share of a rubric that a response meets, according to an independent judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import RubricReady
from catsdk.core.model_strings import check_model
from catsdk.core.ports import Provider
from catsdk.core.types import Group, Reference, Rollout, Rubric, Score, Verdict
from catsdk.rewards.reward import Reward
from catsdk.rubrics.judge import Judge
from catsdk.rubrics.proposer import RubricProposer
from catsdk.rubrics.scoring import Missing, bounds, score
from catsdk.runtime import roles
from catsdk.runtime.context import Context

__all__ = ["RubricReward", "checked_rubric", "rubric_for"]


@dataclass(frozen=True)
class RubricReward(Reward):
    """The share of its points that a response achieves by a rubric (paper, section 3.3).

    The anchor writes the rubric from the reference, once a prompt; the judge says of each
    criterion whether a response meets it. Without weights the reward is the share of the K
    criteria that are met. It is `None`, never 0, where verdicts are missing, unless `missing`
    allows for some.

    Args:
        proposer: Writes the rubric; by default `RubricProposer()` on the run's anchor.
        judge: A judge, a `Panel`, or a model; by default the judge of the run.
        rubric: A rubric that is there already, for every prompt; then nothing is proposed.
        missing: What the reward is where verdicts are missing.
        stop_early: Whether to judge criteria one after another, for all rollouts at once, until
            the order of the group can no longer change. Scores are then those over the criteria
            judged so far.

    Raises:
        InvalidInputError: `rubric` has no criteria, or two with one id; or `proposer` or `judge`
            cannot play its role.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rubrics import loads
        >>> from catsdk.testing import FunctionProvider
        >>> rubric = loads("criteria: [Names the rain.]")
        >>> judge = FunctionProvider(lambda request: "yes")
        >>> group = cat.group_of("Why?", ["It rains."])
        >>> scores = await cat.RubricReward(judge=judge, rubric=rubric).reward(group)
        >>> scores[0].value, scores[0].verdicts[0].met
        (1.0, True)
    """

    proposer: roles.Proposer = RubricProposer()
    judge: roles.Judge | str | Provider = Judge()
    rubric: Rubric | None = None
    missing: Missing = Missing()
    stop_early: bool = False

    def __post_init__(self) -> None:
        """Check the roles and the rubric, and make a judge of a model."""
        roles.refuse_class("judge", self.judge)
        if not isinstance(self.judge, roles.Judge):
            check_model(self.judge, "judge")
            object.__setattr__(self, "judge", Judge(self.judge))
        fix = "an object with an async method propose(reference, ctx), such as RubricProposer()"
        roles.check_role("proposer", self.proposer, roles.Proposer, fix)
        if self.rubric is not None:
            checked_rubric(self.rubric)
        reads = self.rubric is None
        object.__setattr__(self, "needs_reference", reads)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Write the rubric, where it is not given, and judge each rollout by it."""
        rubric = self.rubric or await rubric_for(self.proposer, reference, ctx)
        assert isinstance(self.judge, roles.Judge)
        if self.stop_early:
            return await self._until_decided(self.judge, group.rollouts, rubric, ctx)
        judge = self.judge

        async def judged(rollout: Rollout) -> Score:
            verdicts = await _judged(judge, rubric, ctx, rollout)
            return score(rubric, rollout.index, verdicts, self.missing)

        return await fan_out(judged, group.rollouts)

    async def _until_decided(
        self, judge: roles.Judge, rollouts: Sequence[Rollout], rubric: Rubric, ctx: Context
    ) -> list[Score]:
        verdicts: list[list[Verdict]] = [[] for _ in rollouts]
        # Heavy criteria first: they decide the ranking soonest.
        criteria = sorted(rubric.criteria, key=lambda each: -abs(each.weight))
        # Pitfalls alone give no score: at least one criterion must have positive points.
        asked, least = 0, next((at for at, c in enumerate(criteria, 1) if c.weight > 0), 0)
        while asked < len(criteria) and (
            asked < least or not _decided(rubric, verdicts, self.missing)
        ):
            one = rubric.model_copy(update={"criteria": (criteria[asked],)})
            asked += 1
            new = await fan_out(partial(_judged, judge, one, ctx), rollouts)
            for known, more in zip(verdicts, new, strict=True):
                known.extend(more)
        part = rubric.model_copy(update={"criteria": tuple(criteria[:asked])})
        scores = [
            score(part, rollout.index, known, self.missing)
            for rollout, known in zip(rollouts, verdicts, strict=True)
        ]
        return [_stopped(each, asked, len(criteria)) for each in scores]


async def _judged(
    judge: roles.Judge, rubric: Rubric, ctx: Context, rollout: Rollout
) -> Sequence[Verdict]:
    verdicts = await roles.result_of(judge.judge(rubric, rollout, ctx), judge, "judge")
    listed = isinstance(verdicts, Sequence)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not listed or not all(isinstance(each, Verdict) for each in verdicts):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the judge {judge!r:.80} gave {verdicts!r:.80}; give a list with a Verdict for each"
            " criterion, such as Verdict(criterion_id=criterion.id, met=True)"
        )
    ids = [verdict.criterion_id for verdict in verdicts]
    if len(set(ids)) < len(ids):
        raise InvalidInputError(
            f"the judge {judge!r:.80} gave verdicts for the criteria {ids}; give one for each"
        )
    return verdicts


async def rubric_for(proposer: roles.Proposer, reference: Reference | None, ctx: Context) -> Rubric:
    """Have a rubric written from the reference, and tell those who listen.

    Raises:
        InvalidInputError: the rubric makes no sense.
    """
    assert reference is not None
    proposed = proposer.propose(reference, ctx)
    rubric = checked_rubric(await roles.result_of(proposed, proposer, "propose"))
    ctx.emit(RubricReady(rubric=rubric))
    return rubric


def checked_rubric(rubric: Rubric) -> Rubric:
    """Give `rubric` back where responses can be judged by it.

    Raises:
        InvalidInputError: it is not a rubric, has no criteria, or two with one id.
    """
    if not isinstance(rubric, Rubric):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the rubric is {rubric!r:.80}; give a Rubric, such as one that"
            " catsdk.rubrics.files.loads makes of a text"
        )
    ids = [criterion.id for criterion in rubric.criteria]
    if not ids:
        raise InvalidInputError("the rubric has no criteria; give at least one")
    if len(set(ids)) < len(ids):
        raise InvalidInputError(f"the rubric's criteria have the ids {ids}; give each its own")
    return rubric


def _decided(rubric: Rubric, verdicts: Sequence[Sequence[Verdict]], missing: Missing) -> bool:
    """Whether the order of the rollouts is final: none can overtake or tie with another."""
    if len(verdicts) < 2 or not verdicts[0]:
        return False
    whole = [known for known in verdicts if all(verdict.degree is not None for verdict in known)]
    if missing.then == "mean" and len(whole) < len(verdicts):
        return False
    # A rollout whose verdict failed gets no score, so it has no rank.
    ranges = sorted(bounds(rubric, known) for known in whole)
    return len(ranges) != 1 and all(low[1] < high[0] for low, high in pairwise(ranges))


def _stopped(score: Score, asked: int, total: int) -> Score:
    if asked == total:
        return score
    told = (
        f"judged by {asked} of {counted(total, 'criterion', 'criteria')}: the order"
        " of the group can no longer change"
    )
    coverage = None if score.coverage is None else score.coverage * asked / total
    update = {"reasons": (*score.reasons, told), "coverage": coverage}
    return score.model_copy(update=update)
