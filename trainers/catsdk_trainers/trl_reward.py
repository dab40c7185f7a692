"""GroupReward: the rewards of whole groups, as the synchronous reward function that TRL calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from statistics import fmean
from threading import Lock
from time import perf_counter
from typing import Any

import anyio

from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.types import Failure, Group, Usage
from catsdk_trainers.loop import LoopThread
from catsdk_trainers.ranks import Share, everywhere, shared_out
from catsdk_trainers.rows import groups_of
from catsdk_trainers.scoring import GroupScore, GroupScorer, Row, unscored

__all__ = ["GroupReward", "ScoringFailedError"]

OpenScorer = Callable[[], AbstractAsyncContextManager[GroupScorer]]

# What TRL passes beside the data set's columns.
_NOT_COLUMNS = {"trainer_state", "environments"}

# Of fewer prompts it says little that their answers are the same.
_FEW = 4


class ScoringFailedError(CatError):
    """Too many groups had no reward for too long; the message gives the last causes."""


@dataclass(slots=True)
class _Failures:
    """Gives up when over `share` of the groups of each of `steps` steps in a row had no reward.

    A step is over when it has seen `groups` groups; several threads may tell of theirs.
    """

    share: float
    steps: int
    groups: int
    in_a_row: int = 0
    seen: list[GroupScore] = field(default_factory=list[GroupScore])
    _lock: Lock = field(default_factory=Lock)

    def after(self, scored: Sequence[GroupScore]) -> None:
        """Count these groups. Collective.

        Raises:
            ScoringFailedError: it is enough.
        """
        with self._lock:
            self.seen += scored
            # With the default of 1 each call is a step on each rank, also on one without groups.
            if self.groups > 1 and len(self.seen) < self.groups:
                return
            seen, self.seen = self.seen, []
            self._end_of_step(seen)

    def _end_of_step(self, scored: Sequence[GroupScore]) -> None:
        failed = [score for score in scored if score.failed]
        shares = everywhere((len(failed), len(scored), [_because(s) for s in failed[:3]]))
        total = sum(count for _, count, _ in shares)
        share = sum(count for count, _, _ in shares) / max(1, total)
        self.in_a_row = self.in_a_row + 1 if share > self.share else 0
        if self.in_a_row >= self.steps:
            causes = sorted({cause for _, _, some in shares for cause in some})
            raise ScoringFailedError(
                f"{share:.0%} of {total} groups had no reward, over {self.share:.0%} for"
                f" {self.in_a_row} steps in a row: {'; '.join(causes)}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.share, self.steps, self.groups)


class GroupReward:
    """A reward function for GRPOTrainer, RLOOTrainer and their command lines.

    `open_scorer` makes the scorer when the first group comes, in an event loop of this object's
    own thread, which keeps it open: a function of a module, or a `functools.partial` of one, so
    that the object can be pickled. Groups are scored at once. A group that is not scored within
    `deadline` seconds, or that fails, has the reward `None` for each rollout: TRL leaves those out
    of the baseline and gives them advantage 0 (trl >= 1.6). When more than `abort_share` of the
    groups failed in each of `abort_after` steps in a row, training stops with an error that names
    the causes; all ranks decide that together. A step is a call, or as many calls as make
    `step_groups` groups, where a trainer asks for one group after another.

    While the trainer evaluates, groups go to the scorer that `open_examiner` makes, if there is
    one, such as an `Examiner`.

    `num_generations` is G, and completions of `max_tokens` count as cut short; `attach` takes both
    from the trainer. It sends to TRL's completions table
    the columns `reference`, `reference_answer`, `agreement` and `no_reward_because`, and the
    metrics `cat/agreement`, `cat/constant` (the share of the groups with the most frequent
    reference answer), `cat/scored`, `cat/zero_variance`, `cat/requests`, `cat/tokens`,
    `cat/seconds` (of this call), `cat/cost` where prices are known, and the scorer's own measures.
    """

    def __init__(
        self,
        open_scorer: OpenScorer,
        num_generations: int | None = None,
        *,
        open_examiner: OpenScorer | None = None,
        max_tokens: int | None = None,
        deadline: float = 900.0,
        abort_share: float = 0.5,
        abort_after: int = 3,
        step_groups: int = 1,
        name: str = "cat",
    ) -> None:
        """Choose how groups are scored; nothing is opened or sent."""
        self.num_generations = num_generations
        self.__name__ = name
        self._deadline = deadline
        self._max_tokens = max_tokens
        self._failures = _Failures(abort_share, abort_after, step_groups)
        self._trainer: Any = None
        self._loop = LoopThread(open_scorer)
        self._examining = LoopThread(open_examiner) if open_examiner else self._loop

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Reward the rows of this rank, in their order.

        Raises:
            InvalidInputError: the rows of all ranks together do not make groups of G.
            ScoringFailedError: too many groups failed for too long.
        """
        began = perf_counter()
        rows = {name: values for name, values in columns.items() if name not in _NOT_COLUMNS}
        # Asked once: this rank must not turn to another branch than the others in mid-call.
        evaluates = self._evaluates()
        size = self._group_size(evaluates=evaluates)
        share = shared_out(prompts, completions, rows, size)
        scored = self._scored(share, size, evaluates=evaluates)
        mine = share.back([_row(score, at) for score in scored for at in range(size)])
        if not evaluates:
            self._failures.after(scored)
        if log_extra is not None:
            for column in _LOGGED:
                log_extra(column, [row[column] for row in mine])
        if log_metric is not None:
            for name, value in _metrics(scored).items():
                log_metric(name, value)
            log_metric("cat/seconds", perf_counter() - began)
        return [row["reward"] for row in mine]

    def follow(self, trainer: Any) -> None:
        """Take the sizes from `trainer`, which may use another group size to evaluate."""
        self._trainer, self.num_generations = trainer, trainer.num_generations
        self._max_tokens = getattr(trainer, "max_completion_length", None)

    def close(self) -> None:
        """Close the scorers' models and end the threads."""
        self._loop.close()
        self._examining.close()

    def _evaluates(self) -> bool:
        return self._trainer is not None and not self._trainer.model.training

    def _group_size(self, *, evaluates: bool) -> int:
        if evaluates:
            return int(self._trainer.num_generations_eval)
        if self.num_generations is None:
            raise InvalidInputError(
                "num_generations is not known; give GroupReward(..., num_generations=G) or call"
                " attach(trainer, reward)"
            )
        return self.num_generations

    def _scored(self, share: Share, size: int, *, evaluates: bool) -> list[GroupScore]:
        """Score the groups of this rank; an error on one rank ends the step on all of them."""
        scored: list[GroupScore] = []
        error: Exception | None = None
        try:
            groups = groups_of(
                share.prompts, share.completions, share.columns, size, most_tokens=self._max_tokens
            )
            loop = self._examining if evaluates else self._loop
            scored = loop.run(lambda scorer: self._score_all(scorer, groups))
        except Exception as raised:  # noqa: BLE001 - raised again when the other ranks know
            error = raised
        told = [each for each in everywhere(error and f"{type(error).__name__}: {error}") if each]
        if told:
            raise error or ScoringFailedError(f"another rank failed: {told[0]}")
        return scored

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_trainer": None}

    async def _score_all(
        self, scorer: GroupScorer, groups: Sequence[tuple[Group, Row]]
    ) -> list[GroupScore]:
        done: dict[int, GroupScore] = {}

        async def one(at: int) -> None:
            done[at] = await scorer.score_group(*groups[at])

        with anyio.move_on_after(self._deadline):
            await fan_out(one, range(len(groups)))
        late = Failure(kind="TimedOutError", message=f"not scored within {self._deadline:g} s")
        return [done.get(at) or unscored(group, late) for at, (group, _) in enumerate(groups)]


_LOGGED = ("reference", "reference_answer", "agreement", "no_reward_because")


def _row(score: GroupScore, at: int) -> dict[str, Any]:
    """What one rollout is told: the reward, and what goes into the completions table."""
    reference, own = score.reference, score.scores[at]
    return {
        "reward": own.value,
        "reference": reference.text if reference else "",
        "reference_answer": (reference.answer or "") if reference else "",
        "agreement": _agreement(score),
        "no_reward_because": "" if own.value is not None else "; ".join(own.reasons),
    }


def _because(score: GroupScore) -> str:
    """Why a group has no reward: its own cause, else those of its rollouts."""
    if score.cause is not None:
        return str(score.cause)
    return "; ".join(sorted({reason for each in score.scores for reason in each.reasons}))


def _agreement(score: GroupScore) -> float | None:
    return score.reference.agreement if score.reference else None


def _metrics(scored: Sequence[GroupScore]) -> Mapping[str, float]:
    usage = Usage.total(score.usage for score in scored)
    agreements = [a for score in scored if (a := _agreement(score)) is not None]
    means = {
        "cat/agreement": agreements,
        "cat/zero_variance": _flat(scored),
        "cat/scored": [float(r is not None) for score in scored for r in score.rewards],
    }
    for score in scored:
        for name, value in score.measures.items():
            means.setdefault(f"cat/{name}", []).append(value)
    return {
        **{name: fmean(values) for name, values in means.items() if values},
        **_constant(scored),
        "cat/requests": float(usage.requests),
        "cat/tokens": float(usage.tokens),
        **({} if usage.cost is None else {"cat/cost": usage.cost}),
    }


def _constant(scored: Sequence[GroupScore]) -> Mapping[str, float]:
    """The share of different prompts that have one and the same reference answer."""
    answers = {
        score.group.question: score.reference.answer
        for score in scored
        if score.reference is not None and score.reference.answer is not None
    }
    if len(answers) < _FEW:
        return {}
    ((_, most),) = Counter(answers.values()).most_common(1)
    return {"cat/constant": most / len(answers)}


def _flat(scored: Sequence[GroupScore]) -> list[float]:
    """Whether the rewards of each rewarded group are all the same: such a group teaches nothing."""
    known = [{r for r in score.rewards if r is not None} for score in scored]
    return [float(len(rewards) == 1) for rewards in known if rewards]
