"""Reward and Sum: the base of all rewards, and their algebra; write your own in a few lines."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from numbers import Real
from typing import SupportsFloat, TypeAlias

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError
from catsdk.core.types import Call, Failure, Group, Reference, Rollout, Score
from catsdk.recipes import written
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import result_of

__all__ = [
    "LEFT_OUT",
    "Around",
    "Given",
    "Reward",
    "Sum",
    "check_reward",
    "completed",
    "listed_once",
    "unscored",
    "without_value",
]

LEFT_OUT = "LeftOut"
"""The kind of the cause where a filter left a group out on purpose: that is not a failure."""

Given: TypeAlias = "Sequence[Score | float | None]"
"""What an own reward may return: scores, or a number (or `None`) for each rollout that is there."""


class Reward:
    """Gives each rollout of a group its reward (paper, equation 1); the base of all rewards.

    A reward of your own overrides `score`. Rewards add up: `0.5 * a + b - c`. A rollout for which
    one part has no reward has none in the sum: `None` plus anything is `None`. A failure is never a
    number.

    Attributes:
        needs_reference: Whether `score` reads the reference; where no reward of a run does, none is
            estimated and the anchor is not called.
        by_answer: Whether `score` goes by final answers; prompts then ask for one.

    Example:
        >>> import catsdk as cat
        >>> class Brief(cat.Reward):
        ...     needs_reference = False
        ...     async def score(self, group, reference, ctx):
        ...         return [float(len(rollout.text) < 20) for rollout in group.rollouts]
        >>> group = cat.group_of("Why?", ["It rains.", "Because of all the rain."])
        >>> [score.value for score in await (0.5 * Brief()).reward(group)]
        [0.5, 0.0]
    """

    needs_reference: bool = True
    by_answer: bool = False

    async def score(self, group: Group, reference: Reference | None, ctx: Context) -> Given:
        """Score the rollouts that are there; to be overridden.

        Args:
            group: The rollouts.
            reference: The run's reference; `None` if this reward needs none.
            ctx: The context of the run: open models, answers, the data row.

        Returns:
            Scores, or one number for each of `group.rollouts` in their order; `None` if
            evidence is missing.
        """
        raise NotImplementedError

    async def reward(
        self, group: Group, reference: Reference | None = None, ctx: Context | None = None
    ) -> tuple[Score, ...]:
        """Give one score for each of the G rollouts asked for, failed ones too, by their index.

        Args:
            group: The rollouts.
            reference: What they are rewarded by; rewards that need none take `None`.
            ctx: The context of a run; without one the reward stands alone.

        Returns:
            The scores. Where a service or a budget failed, they are `None` with the cause.

        Raises:
            ConfigurationError: a model that it needs cannot be opened.
            InvalidInputError: what it was given makes no sense, such as a missing reference.
        """
        if reference is None and self.needs_reference:
            raise InvalidInputError(f"{self.name} needs a reference; give one, as c.run(...) does")
        async with standing_alone(ctx, group) as context:
            try:
                scored = self.score(group, reference, context)
                given = await result_of(scored, self, "score")
            except (ConfigurationError, InvalidInputError):
                raise
            except CatError as error:
                return unscored(group, Failure.of(error))
        return completed(group, given)

    @property
    def name(self) -> str:
        """What this reward is called among the parts of a sum."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        return words.removesuffix("_reward")

    def __add__(self, other: Reward) -> Reward:
        """Add up two rewards.

        Raises:
            InvalidInputError: `other` is not a reward.
        """
        return _plus(self, _addend(other, "added to"))

    def __radd__(self, other: object) -> Reward:
        """Support `sum([a, b])`, which starts at 0.

        Raises:
            InvalidInputError: `other` is not a reward, and not 0.
        """
        starts_sum = isinstance(other, int) and not isinstance(other, bool) and other == 0
        return self if starts_sum else _plus(_addend(other, "added to"), self)

    def __sub__(self, other: Reward) -> Reward:
        """Subtract a reward.

        Raises:
            InvalidInputError: `other` is not a reward.
        """
        return self + -1.0 * _addend(other, "subtracted from")

    def __rsub__(self, other: object) -> Reward:
        """Refuse what is not a reward: rewards are subtracted by `__sub__`.

        Raises:
            InvalidInputError: always.
        """
        return _addend(other, "combined with") - self

    def __mul__(self, weight: float) -> Reward:
        """Scale this reward.

        Raises:
            InvalidInputError: the weight is not a finite number.
        """
        return _times(_weight(weight), self)

    __rmul__ = __mul__

    def __neg__(self) -> Reward:
        """Turn the sign."""
        return -1.0 * self

    def _need_what(self, *others: Reward) -> None:
        """Need a reference, or use answers, if any of the inner rewards does."""
        object.__setattr__(self, "needs_reference", any(each.needs_reference for each in others))
        object.__setattr__(self, "by_answer", any(each.by_answer for each in others))


@dataclass(frozen=True)
class Around(Reward):
    """A reward around another one, `inner`, which needs what that one needs."""

    inner: Reward

    def __post_init__(self) -> None:
        """Check the inner reward."""
        check_reward("inner", self.inner)
        self._need_what(self.inner)


@dataclass(frozen=True)
class Sum(Reward):
    """The sum of weight times value over rewards, which are asked at once.

    `RubricReward() + LengthPenalty(750)` is the paper's reward on HealthBench. A rollout without a
    reward by one of the parts has none, with that part's cause; `Score.parts` keeps them all.

    Args:
        rewards: The parts.
        weights: One for each part; by default 1. They are not normalised: a sum of two rewards in
            0..1 is in 0..2. GRPO's advantages do not depend on a common scale.

    Raises:
        InvalidInputError: there is no part, one is not a reward, or the weights are not one finite
            number for each.

    Example:
        >>> import catsdk as cat
        >>> cat.RubricReward() + 0.5 * cat.LengthPenalty(750)
        RubricReward() + 0.5 * LengthPenalty()
    """

    rewards: tuple[Reward, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the parts."""
        rewards = tuple(self.rewards)
        for reward in rewards:
            check_reward("a part of a sum", reward)
        weights = tuple(map(_weight, self.weights)) or (1.0,) * len(rewards)
        object.__setattr__(self, "rewards", rewards)
        object.__setattr__(self, "weights", weights)
        if not rewards or len(weights) != len(rewards):
            raise InvalidInputError(
                f"a sum of {len(rewards)} rewards has the weights {list(weights)}; give one or"
                " more rewards, and a finite weight for each"
            )
        self._need_what(*rewards)

    @property
    def name(self) -> str:
        """The names of the parts."""
        return "+".join(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The parts' names, numbered where two are equal."""
        names: list[str] = []
        for reward in self.rewards:
            numbered = (f"{reward.name}#{number}" for number in count(2))
            names.append(next(n for n in chain([reward.name], numbered) if n not in names))
        return tuple(names)

    def as_written(self) -> str:
        """Return the sum as it is written in Python."""
        parts = zip(self.weights, map(written, self.rewards), strict=True)
        return " + ".join(part if weight == 1 else f"{weight:g} * {part}" for weight, part in parts)

    __repr__ = as_written

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Ask every part, and add up."""

        async def one(reward: Reward) -> dict[int, Score]:
            scores = await reward.reward(group, reference, ctx)
            return {score.index: score for score in scores}

        found = dict(zip(self.names, await fan_out(one, self.rewards), strict=True))
        return [self._total(rollout.index, found) for rollout in group.rollouts]

    def _total(self, index: int, found: Mapping[str, Mapping[int, Score]]) -> Score:
        parts = {name: scores[index] for name, scores in found.items()}
        missing = next((part for part in parts.values() if part.value is None), None)
        pairs = zip(self.weights, parts.items(), strict=True)
        reasons = tuple(_reason(weight, name, part) for weight, (name, part) in pairs)
        if missing is not None:
            reasons = (*missing.reasons, *reasons)
            return Score(
                index=index, value=None, reasons=reasons, parts=parts, failure=missing.failure
            )
        values = (part.value or 0.0 for part in parts.values())
        total = math.fsum(
            weight * value for weight, value in zip(self.weights, values, strict=True)
        )
        return Score(index=index, value=total, reasons=reasons, parts=parts)


def check_reward(name: str, reward: object) -> None:
    """Refuse what is not a `Reward`, where one is added to another or wrapped.

    Raises:
        InvalidInputError: it is not a reward.
    """
    if not isinstance(reward, Reward):
        raise InvalidInputError(
            f"{name} is {reward!r:.80}; give a reward such as AnswerReward(), or an object of a"
            " class of yours that inherits from Reward"
        )


def _reason(weight: float, name: str, part: Score) -> str:
    value = "none" if part.value is None else f"{part.value:g}"
    return f"{name}: {weight:g} x {value}"


def _plus(first: Reward, second: Reward) -> Sum:
    """The sum of two rewards; nested sums are flattened."""
    parts = [part for reward in (first, second) for part in _terms(reward)]
    return Sum(tuple(reward for _, reward in parts), tuple(weight for weight, _ in parts))


def _addend(other: object, verb: str) -> Reward:
    """What is added to a reward or subtracted from it, which must be one."""
    if isinstance(other, Reward):
        return other
    fix = (
        "a constant changes no advantage, so leave it out; to scale a reward, multiply it:"
        " 0.5 * reward"
        if isinstance(other, Real)
        else "give a reward such as LengthPenalty(750), or an object of a class of yours that"
        " inherits from Reward"
    )
    raise InvalidInputError(f"{other!r:.80} cannot be {verb} a reward, only a reward can; {fix}")


def _weight(weight: object) -> float:
    """The weight of a reward, which must be a finite number."""
    if not isinstance(weight, bool) and isinstance(weight, Real):
        # An integer can be too large.
        with suppress(OverflowError):
            if math.isfinite(number := float(weight)):
                return number
    fix = (
        "add rewards up, a + b, since their product is not defined"
        if isinstance(weight, Reward)
        else "give a finite number, such as 0.5"
    )
    raise InvalidInputError(f"the weight of a reward is {weight!r:.80}; {fix}")


def _times(weight: float, reward: Reward) -> Sum:
    """The reward times `weight`."""
    parts = _terms(reward)
    return Sum(tuple(part for _, part in parts), tuple(weight * own for own, _ in parts))


def _terms(reward: Reward) -> list[tuple[float, Reward]]:
    if isinstance(reward, Sum):
        return list(zip(reward.weights, reward.rewards, strict=True))
    return [(1.0, reward)]


def completed(group: Group, given: Given) -> tuple[Score, ...]:
    """One finite score for each of the G rollouts asked for, by index.

    Args:
        group: The rollouts, and those that failed.
        given: Scores in any order, or one number for each rollout that is there.

    Raises:
        InvalidInputError: `given` holds numbers, but not one for each rollout; or a score's index
            is not in the group, or comes twice; or a value is not finite.
    """
    scores = _as_scores(group, given)
    wanted = {rollout.index for rollout in group.rollouts} | set(group.failures)
    for index, score in scores.items():
        if index not in wanted:
            raise InvalidInputError(
                f"a score is for rollout {index}; the group has {sorted(wanted)}"
            )
        if score.value is not None and not math.isfinite(score.value):
            raise InvalidInputError(
                f"the reward of rollout {index} is {score.value}; give a finite number, or None"
                " where there is no evidence"
            )
    for index, failure in group.failures.items():
        scores[index] = Score(
            index=index, value=None, reasons=("the rollout failed",), failure=failure
        )
    missing = Failure(kind="MissingScore", message="the reward gave no score for this rollout")
    return tuple(
        scores.get(index)
        or Score(index=index, value=None, reasons=(missing.message,), failure=missing)
        for index in sorted(wanted)
    )


def _as_scores(group: Group, given: Given) -> dict[int, Score]:
    unordered = isinstance(given, str | bytes | Mapping | AbstractSet)  # pyright: ignore[reportUnnecessaryIsInstance]
    if unordered or not isinstance(given, Collection):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"a reward gave {given!r:.80}; give a list with one score or number for each rollout"
        )
    if all(isinstance(each, Score) for each in given):
        return _by_index([each for each in given if isinstance(each, Score)])
    if len(given) != len(group.rollouts):
        raise InvalidInputError(
            f"a reward gave {len(given)} numbers for {len(group.rollouts)} rollouts; give one for"
            " each, in their order, and None where there is no evidence"
        )
    scores: list[Score] = []
    for rollout, each in zip(group.rollouts, given, strict=True):
        if isinstance(each, Score):
            scores.append(each)
        elif each is None:
            cause = Failure(kind="NoEvidence", message="the reward gave None")
            scores.append(Score(index=rollout.index, value=None, failure=cause))
        else:
            scores.append(Score(index=rollout.index, value=_number(each, rollout.index)))
    return _by_index(scores)


def _by_index(scores: Sequence[Score]) -> dict[int, Score]:
    by_index = {score.index: score for score in scores}
    if len(by_index) < len(scores):
        raise InvalidInputError(
            f"a reward gave scores with the indices {[score.index for score in scores]}; give one"
            " for each rollout, made by ctx.score(rollout, value)"
        )
    return by_index


def _number(value: object, index: int) -> float:
    if isinstance(value, SupportsFloat) and not isinstance(value, str):
        # An array of several numbers has `__float__`, too, and an integer can be too large.
        with suppress(TypeError, ValueError, OverflowError):
            return float(value)
    raise InvalidInputError(
        f"the reward of rollout {index} is {value!r:.80}; give a number, a Score, or None where"
        " there is no evidence"
    )


def unscored(group: Group, cause: Failure) -> tuple[Score, ...]:
    """Scores without a value for a whole group, all with one cause."""
    indices = sorted([*(rollout.index for rollout in group.rollouts), *group.failures])
    return tuple(
        Score(
            index=index,
            value=None,
            reasons=(str(cause),),
            failure=group.failures.get(index, cause),
        )
        for index in indices
    )


def without_value(rollout: Rollout, cause: Failure, reason: str | None = None) -> Score:
    """The score of one rollout for which there is no reward.

    Args:
        rollout: The rollout.
        cause: Why there is none.
        reason: What a reader is told; by default the cause.
    """
    reasons = (str(cause) if reason is None else reason,)
    return Score(index=rollout.index, value=None, reasons=reasons, failure=cause)


def listed_once(calls: Sequence[Call], scores: Sequence[Score]) -> list[Score]:
    """The scores of a group, the first of them with calls that were made for all of it."""
    if not calls or not scores:
        return list(scores)
    first = scores[0].model_copy(update={"calls": (*scores[0].calls, *calls)})
    return [first, *scores[1:]]
