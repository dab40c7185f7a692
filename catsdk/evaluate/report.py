"""Report: the results of an evaluation, from which tables, figures and pages are made."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, JsonValue

from catsdk.core.display.counting import counted
from catsdk.core.types import Usage
from catsdk.core.value import Value
from catsdk.evaluate.calibration import Calibration
from catsdk.evaluate.statistics import Estimate

__all__ = ["OrderCheck", "Pair", "PassAt", "Point", "PositionCheck", "Report", "Unanswered"]

VOTE = "majority"
"""The contender that every estimator that asks a model must beat."""
SMALL = "small-synthesis"
_SMALLER = f"; for one of under about a billion parameters compare {SMALL}"
MOST_UNANSWERED = 0.2
"""The share of rollouts without a final answer over which estimators are not ranked."""


class Point(Value):
    """One estimator at one size G.

    `score` is the mean over items: the share that is right, or the rubric score. `tokens`,
    `requests` and `cost` (US dollars; `None` if a price is unknown) are means an item, rollouts
    included. `drawn` is the mean number of rollouts used. `failed` counts items without a
    reference, `ungraded` those whose answer could not be graded, `abstained` those whose reference
    has no answer; the first two are in no mean of scores, the third counts as not right. `tied` is
    the share of items at which several answers shared the vote or the best score, so that one was
    drawn at random; `None` for estimators without a vote. `departs` is the share of items at
    which the estimator disagrees with the majority of the same rollouts, of those that have one (no
    tie), `right_departing` how often the estimator and `majority_departing` how often the majority
    is right when they disagree, `rescued` the share answered correctly although every rollout is
    wrong.
    """

    estimator: str
    size: int
    control: str | None = None
    score: Estimate | None
    tokens: Estimate | None
    input_tokens: float
    output_tokens: float
    requests: float
    cost: float | None
    drawn: float
    items: int
    draws: int
    failed: int = 0
    ungraded: int = 0
    abstained: int = 0
    tied: Estimate | None = None
    departs: Estimate | None = None
    right_departing: Estimate | None = None
    majority_departing: Estimate | None = None
    rescued: Estimate | None = None
    on_frontier: bool = False


class Pair(Value):
    """Two estimators on the same items at one size.

    `difference` is the first's mean score minus the second's, with a paired bootstrap interval.
    `only_first` and `only_second` count the items (first sub-sample) that one alone answers
    rightly, `p_value` is McNemar's exact one, `p_holm` the same adjusted for all pairs of the
    largest size, where it is; all three are `None` for rubric scores.
    """

    first: str
    second: str
    size: int
    difference: Estimate
    only_first: int | None = None
    only_second: int | None = None
    p_value: float | None = None
    p_holm: float | None = None


class PassAt(Value):
    """pass@k: the share of items that k rollouts answer rightly at least once (unbiased)."""

    k: int
    share: Estimate


class OrderCheck(Value):
    """An estimator on the same rollouts in two orders: how often its answer changes, the gain."""

    estimator: str
    shuffled: str
    size: int
    changed: Estimate
    difference: Estimate | None


class PositionCheck(Value):
    """For each position in which rollouts were shown, how often the reference has its answer.

    Over items whose rollouts disagree; without a position bias the shares are equal up to chance.
    """

    estimator: str
    size: int
    followed: tuple[Estimate, ...]


class Unanswered(Value):
    """The rollouts of items with known answers in which no final answer was found.

    Args:
        rollouts: How many rollouts such items have.
        without: How many of them have no final answer.
        cut: How many of those were cut at the limit of new tokens.
    """

    rollouts: int
    without: int
    cut: int

    @property
    def share(self) -> float:
        """The share without a final answer."""
        return self.without / self.rollouts if self.rollouts else 0.0

    @property
    def fix(self) -> str:
        """What to do about them."""
        if 2 * self.cut > self.without:
            return (
                f"{self.cut} of them were cut at the limit of new tokens: raise max_tokens"
                " (--max-tokens), or lower the temperature (--temperature), at which a small model"
                " rambles less."
            )
        return (
            "Ask for the answer in the prompts, such as 'Put the final answer in \\boxed{}', or say"
            " where it stands: Evaluation(answers=Answers(extractor=...))."
        )


class Report(Value):
    """What an evaluation found.

    Args:
        version: The version of this form.
        title: The heading.
        data: What the items are.
        measure: What scores are: accuracy, or the rubric score.
        models: The models, by their role.
        settings: How it was done.
        items: The number of items.
        sizes: The G that were looked at.
        rollouts: The rollouts of all items that are there.
        failed_rollouts: Those that failed.
        silent_rollouts: Those in which no final answer was found: they vote for nothing.
        unanswered: Why so many of them have none, where that spoils the comparison.
        failures: The number of failures of each kind.
        causes: The message of one failure of each kind.
        single: The mean score of one rollout.
        pass_at: pass@k for each k.
        points: Each estimator at each size.
        pairs: Each two estimators at one size.
        orders: How estimators answer when they see the rollouts in another order.
        positions: Whether they follow what stands at a position.
        calibration: How the cascade was set.
        paid: What all calls of the run consumed, each once, though several estimators may have used
            an answer.
        notes: Sentences for the reader.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.evaluate import Evaluation, Report, Sweep, item_of
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: "The answer is 4.")
        >>> evaluation = Evaluation([policy], names=("majority",), sweep=Sweep(sizes=(2,)))
        >>> report, seen = await evaluation.run([item_of("2+2?", "5")], title="Sums", data="one")
        >>> report.single.mean, Report.model_validate_json(report.model_dump_json()) == report
        (0.0, True)
    """

    version: int = 1
    title: str
    data: str
    measure: str
    models: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    settings: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    items: int
    sizes: tuple[int, ...]
    rollouts: int
    failed_rollouts: int
    silent_rollouts: int = 0
    unanswered: Unanswered | None = None
    failures: dict[str, int] = Field(default_factory=dict[str, int])
    causes: dict[str, str] = Field(default_factory=dict[str, str])
    single: Estimate | None
    pass_at: tuple[PassAt, ...] = ()
    points: tuple[Point, ...]
    pairs: tuple[Pair, ...] = ()
    orders: tuple[OrderCheck, ...] = ()
    positions: tuple[PositionCheck, ...] = ()
    calibration: Calibration | None = None
    paid: Usage | None = None
    notes: tuple[str, ...] = ()

    @property
    def pairs_tested(self) -> int:
        """The number of pairs that p-values are adjusted for."""
        return sum(pair.p_holm is not None for pair in self.pairs)

    @property
    def unranked(self) -> str | None:
        """Why estimators cannot be ranked, with the fix; `None` if they can.

        Where many rollouts have no final answer, scores tell whose prompt asks for one in a form
        that is found, and not who is right.
        """
        found = self.unanswered
        if found is None or found.share <= MOST_UNANSWERED:
            return None
        return (
            f"{found.without} of {counted(found.rollouts, 'rollout')}"
            f" ({found.share:.0%}) have no final answer"
            f" that was found, so the estimators are not ranked. {found.fix}"
        )

    @property
    def below_majority(self) -> tuple[str, ...]:
        """A sentence for each estimator that costs more than the majority and is right less often.

        At the largest size, where the whole interval of the paired difference is below 0. It counts
        too where estimators are not ranked: a reference whose answer is not found rewards nobody.
        """
        return tuple(
            f"{point.estimator} is right less often than the majority of the same {point.size}"
            f" rollouts (by {_loss(lead)}){self._lost_by(point)}, and asks a model more often. On"
            " such data take the vote: Majority(), in a training cat.estimator=Majority. A stronger"
            f" anchor may do better{_SMALLER if point.estimator != SMALL else ''}."
            for point, lead in self._beside_vote()
            if lead.high < 0
        )

    @property
    def not_above_majority(self) -> tuple[str, ...]:
        """A sentence for each that costs more than the majority and had a lower score by chance."""
        return tuple(
            f"{point.estimator} was right less often than the majority of the same {point.size}"
            f" rollouts (by {_loss(lead)}){self._lost_by(point)}, which may be chance on"
            f" {lead.count} items. The vote asks no model: take it (Majority(), in a training"
            " cat.estimator=Majority) unless more items show otherwise."
            for point, lead in self._beside_vote()
            if lead.mean < 0 <= lead.high
        )

    def _beside_vote(self) -> Iterator[tuple[Point, Estimate]]:
        """Estimators that cost more calls than the vote, at the largest size, and their leads."""
        size = max(self.sizes)
        vote = self.point(VOTE, size)
        if vote is None or vote.score is None:
            return
        for point in self.points:
            dearer = point.size == size and point.requests > vote.requests
            if not dearer or point.control is not None or point.score is None:
                continue
            if (pair := self.pair(point.estimator, VOTE, size)) is not None:
                yield point, pair.difference
            elif (pair := self.pair(VOTE, point.estimator, size)) is not None:
                yield point, _turned(pair.difference)

    def _lost_by(self, point: Point) -> str:
        if not point.failed:
            return ""
        return f", gave no reference for {point.failed} of {counted(self.items, 'item')}"

    def pair(self, first: str, second: str, size: int) -> Pair | None:
        """Return the comparison of two estimators; `None` if there is none.

        Args:
            first: The first estimator's name.
            second: The second's; the difference is the first's score minus the second's.
            size: G.
        """
        found = (p for p in self.pairs if (p.first, p.second, p.size) == (first, second, size))
        return next(found, None)

    def point(self, estimator: str, size: int) -> Point | None:
        """Return what was measured of an estimator; `None` if it was not asked.

        Args:
            estimator: Its name.
            size: G.
        """
        found = (p for p in self.points if p.estimator == estimator and p.size == size)
        return next(found, None)


def _turned(difference: Estimate) -> Estimate:
    """The same difference with the opposite sign."""
    turned = {"mean": -difference.mean, "low": -difference.high, "high": -difference.low}
    return difference.model_copy(update=turned)


def _loss(lead: Estimate) -> str:
    # Not `-lead.high`, which would be -0.00 where that is 0.
    return f"{0 - lead.mean:.2f}, 95 % interval {0 - lead.high:.2f} to {0 - lead.low:.2f}"
