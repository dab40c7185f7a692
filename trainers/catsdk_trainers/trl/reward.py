"""GroupReward: a CaT as the reward function that TRL calls, for whole groups at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import anyio
from anyio import to_thread

from catsdk.cat import CaT
from catsdk.core.concurrency.collecting import full_collections_wait
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import BudgetExceededError, InvalidInputError
from catsdk.core.inputs import check_kind
from catsdk.core.ports import Provider
from catsdk.core.sending import Budget
from catsdk.core.types import Call, Failure, Group, Request, Usage
from catsdk.method.role_tree import known_columns
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Row
from catsdk.scored import Scored, failed_group, opened, scored_group
from catsdk_trainers.config.settings import Failing
from catsdk_trainers.data.groups import groups_of
from catsdk_trainers.trl.examining import Examiner
from catsdk_trainers.trl.failing import Failures, ScoringFailedError
from catsdk_trainers.trl.loop import LoopThread
from catsdk_trainers.trl.metrics import COLUMNS, columns_of, metrics_of
from catsdk_trainers.trl.ranks import Share, everywhere, shared_out
from catsdk_trainers.trl.spending import Spending

__all__ = ["GroupReward", "ScoringFailedError", "reward"]

# Arguments that TRL passes beside the data set's columns.
_NOT_COLUMNS = {"trainer_state", "environments"}


class GroupReward:
    """A CaT as a reward function for TRL's `reward_funcs`; also named `catsdk.train.reward`.

    Do not enter the CaT: the reward opens it in an event loop of its own thread when the first
    group arrives, so the reward can be pickled. The trainer samples, so the CaT's policy is not
    called. Pass the reward to `attach`, too.

    If a group fails or is not scored within `failing.deadline` seconds, the reward of each of its
    rollouts is `None`: TRL leaves those out of the baseline and gives them advantage 0
    (trl >= 1.6). When more than `failing.share` of the groups fail in each of `failing.steps`
    calls in a row, training stops with an error that names the causes; all ranks decide that
    together.

    It adds to TRL's completions table the columns `reference`, `reference_answer`, `agreement`
    and `no_reward_because`, and logs the metrics `cat/agreement`, `cat/constant` (the share of the
    groups with the most frequent reference answer), `cat/scored`, `cat/left_out`,
    `cat/zero_variance`, `cat/reward/NAME` (the mean of each part of a sum), `cat/requests`,
    `cat/tokens`, `cat/seconds` (of this call), `cat/cost` if prices are known, and `cat/budget`
    (the share spent) if there is a budget. Calls for failed groups count too.

    Args:
        c: The method that estimates the reference and rewards the rollouts.
        num_generations: G; `attach` takes it from the trainer.
        held_out: Evaluates the groups of held-out prompts when the trainer evaluates; `None`
            rewards them as in training.
        failing: How long a group may take, and when failures end the training.
        budget: Caps on all calls and on the time, over all ranks and resumes.
        max_tokens: Completions with this many tokens count as cut short; `attach` takes it from the
            trainer.
        name: The reward's name in TRL's metrics; by default the name of the CaT's reward.

    Raises:
        InvalidInputError: `c` is not a CaT or has no reward, or `num_generations` is not a whole
            number from 1.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.train import reward
        >>> made = reward(cat.CaT(reward=cat.Gold()), num_generations=2)
        >>> made(["2+2?"] * 2, ["The answer is 4.", "The answer is 5."], answer=["4", "4"])
        [1.0, 0.0]
        >>> made.close()
    """

    def __init__(
        self,
        c: CaT,
        num_generations: int | None = None,
        *,
        held_out: Examiner | None = Examiner(),
        failing: Failing = Failing(),
        budget: Budget | None = None,
        max_tokens: int | None = None,
        name: str | None = None,
    ) -> None:
        check_kind("c", c, (CaT,), "a CaT such as CaT(reward=AnswerReward())")
        if c.rewarder is None:
            raise InvalidInputError(
                f"{c!r:.200} has no reward; give one, such as CaT(..., reward=AnswerReward())"
            )
        size = num_generations
        if size is not None and (type(size) is not int or size < 1):
            raise InvalidInputError(f"num_generations is {size!r}; give a whole number from 1")
        self.cat = c
        self.held_out = held_out
        self.num_generations = num_generations
        self.spending = Spending(budget)
        self.__name__ = name or getattr(c.rewarder, "name", type(c.rewarder).__name__)
        self._deadline = failing.deadline
        self._max_tokens = max_tokens
        self._failures = Failures(failing)
        self._trainer: Any = None
        self._keep: Callable[[Sequence[Scored]], None] | None = None
        self._loop = LoopThread(partial(opened, c))

    def __repr__(self) -> str:
        """The CaT that it opens."""
        return f"reward({self.cat!r}, num_generations={self.num_generations})"

    @full_collections_wait()
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
            InvalidInputError: the rows of all ranks together do not make groups of G, or a column
                does not have one value for each row.
            ScoringFailedError: too many groups failed for too long.
            BudgetExceededError: the budget is used up, and there is no attached trainer to stop.
            ConfigurationError: the set-up is wrong, so that no group could get a reward.
        """
        began = perf_counter()
        if self.spending.ended is not None and self._trainer is None:
            raise BudgetExceededError(self.spending.ended)
        rows = {name: values for name, values in columns.items() if name not in _NOT_COLUMNS}
        # Read only once, so that this rank takes the same branch as the others in a call.
        evaluates = self._evaluates()
        size = self._group_size(evaluates=evaluates)
        share = shared_out(prompts, completions, rows, size)
        scored, usage = self._scored(share, size, evaluates=evaluates)
        mine = share.back([columns_of(each, at) for each in scored for at in range(size)])
        if not evaluates and self._keep is not None:
            self._keep(scored)
        if not evaluates and self.spending.ended is None:
            self._failures.after(scored)
        if log_extra is not None:
            for column in COLUMNS:
                log_extra(column, [row[column] for row in mine])
        if log_metric is not None:
            for name, value in self._metrics(scored, usage).items():
                log_metric(name, value)
            log_metric("cat/seconds", perf_counter() - began)
        return [row["reward"] for row in mine]

    def follow(self, trainer: Any) -> None:
        """Take the sizes from the trainer, which may use another group size to evaluate.

        Args:
            trainer: The trainer that this reward was given to.
        """
        self._trainer, self.num_generations = trainer, trainer.num_generations
        self._max_tokens = getattr(trainer, "max_completion_length", None)

    def keep_by(self, keep: Callable[[Sequence[Scored]], None]) -> None:
        """Pass the groups of each training call to `keep`, once they are scored.

        Args:
            keep: Takes the groups that this rank scored.
        """
        self._keep = keep

    def ask(self, model: str | Provider, request: Request, seconds: float) -> str:
        """Ask a model of the CaT, under its limits and the training's budget.

        Args:
            model: The model.
            request: The request.
            seconds: How long the call may take.

        Returns:
            The text of the first answer.

        Raises:
            CatError: the call failed.
            TimeoutError: there was no answer within `seconds`.
        """

        async def asked(c: CaT) -> str:
            async with c.context(budget=self.spending.account) as ctx:
                with anyio.fail_after(seconds):
                    provider = await ctx.model(model)
                    return (await provider.complete(request))[0].text

        return self._loop.run(asked)

    def check_learned(self) -> None:
        """At the end of a training, raise if every step failed.

        Raises:
            ScoringFailedError: too many groups had no reward in each of the steps.
        """
        self._failures.at_the_end()

    def close(self) -> None:
        """Close the models and end the thread; the next call opens them again."""
        self._loop.close()

    def _evaluates(self) -> bool:
        return self._trainer is not None and not self._trainer.model.training

    def _group_size(self, *, evaluates: bool) -> int:
        if evaluates:
            return int(self._trainer.num_generations_eval)
        if self.num_generations is None:
            raise InvalidInputError(
                "num_generations is not known; give reward(c, num_generations=G) or call"
                " attach(trainer, reward)"
            )
        return self.num_generations

    def _known(self, *, evaluates: bool) -> frozenset[str]:
        """The columns with known answers."""
        examiner = self.held_out if evaluates else None
        return known_columns(self.cat.rewarder) | ({examiner.column} if examiner else set())

    def _scored(self, share: Share, size: int, *, evaluates: bool) -> tuple[list[Scored], Usage]:
        """Score the groups of this rank; an error on one rank ends the step on all of them."""
        scored: list[Scored] = []
        calls: list[Call] = []
        groups: list[tuple[Group, Row]] = []
        error: Exception | None = None
        try:
            groups = groups_of(
                share.prompts,
                share.completions,
                share.columns,
                size,
                most_tokens=self._max_tokens,
                answers=self.cat.answers,
                known=self._known(evaluates=evaluates),
            )
        except Exception as raised:  # noqa: BLE001 - raised again when the other ranks know
            error = raised
        self.spending.allot(len(groups))
        try:
            if error is None:
                work = partial(self._score_all, groups=groups, calls=calls, evaluates=evaluates)
                scored = self._loop.run(work)
        except Exception as raised:  # noqa: BLE001 - raised again when the other ranks know
            error = raised
        self.spending.settle()
        told = [each for each in everywhere(error and f"{type(error).__name__}: {error}") if each]
        if told:
            raise error or ScoringFailedError(f"another rank failed: {told[0]}")
        return scored, Usage.total(call.usage for call in calls)

    async def _score_all(
        self, c: CaT, groups: Sequence[tuple[Group, Row]], calls: list[Call], *, evaluates: bool
    ) -> list[Scored]:
        done: dict[int, Scored] = {}
        account = self.spending.account

        async def one(at: int) -> None:
            group, row = groups[at]
            if evaluates and self.held_out is not None:
                done[at] = await self.held_out.examine(c, group, row, account)
            else:
                done[at] = await scored_group(c, group, row, account)
            if account is not None:
                await to_thread.run_sync(self.spending.note)

        with recorded("reward") as made:
            try:
                with anyio.move_on_after(self._deadline):
                    await fan_out(one, range(len(groups)))
            finally:
                calls += made
        late = Failure(kind="TimedOutError", message=f"not scored within {self._deadline:g} s")
        return [done.get(at) or failed_group(group, late) for at, (group, _) in enumerate(groups)]

    def _metrics(self, scored: Sequence[Scored], usage: Usage) -> Mapping[str, float]:
        metrics = dict(metrics_of(scored, usage))
        if self.spending.budget is not None:
            metrics["cat/budget"] = self.spending.share
        return metrics

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_trainer": None, "_keep": None}


reward = GroupReward
"""The name in `catsdk.train`: `cat.train.reward(c, num_generations=8)`."""
