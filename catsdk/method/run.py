"""One run of the method: samples, estimates and rewards, and keeps partial results on errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, cast

import anyio

from catsdk.answers.answers import no_evidence
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.display.counting import counted
from catsdk.core.errors import (
    BudgetExceededError,
    CatError,
    ConfigurationError,
    InvalidInputError,
    NoEvidenceError,
    NoValidOutputError,
    StructuredOutputError,
    SynthesisFailedError,
    TimedOutError,
)
from catsdk.core.events import (
    EstimationStarted,
    Event,
    ReferenceReady,
    ResultReady,
    RewardsReady,
    RolloutArrived,
)
from catsdk.core.inputs import PromptLike, check_prompt
from catsdk.core.types import (
    Call,
    Failure,
    Group,
    Message,
    Provenance,
    Reference,
    Result,
    Rollout,
    Rubric,
    Score,
)
from catsdk.method.composing import setting_of
from catsdk.rewards.reward import completed, unscored
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, Row

__all__ = ["Item", "Method", "run_method", "run_or_fail", "whole_reference", "with_row"]

Item = PromptLike | Group | tuple[PromptLike | Group, Row]
"""One of many prompts: a prompt, a group, or a pair of one with its data row."""


@dataclass(frozen=True)
class Method:
    """The roles of a run.

    Args:
        sampler: Draws the rollouts.
        estimator: Estimates the reference.
        reward: Rewards the rollouts by it; `None` rewards nothing.
        always_estimates: Whether to estimate a reference that no reward needs.
    """

    sampler: roles.Sampler
    estimator: roles.Estimator
    reward: roles.Rewarder | None = None
    always_estimates: bool = True

    @property
    def estimates(self) -> bool:
        """Whether a run makes a reference."""
        return self.always_estimates or bool(getattr(self.reward, "needs_reference", True))

    @cached_property
    def deadline(self) -> float | None:
        """The seconds that a result may take, where the sampler says so."""
        seconds = setting_of(self.sampler, "deadline")
        return float(seconds) if isinstance(seconds, int | float) else None

    @cached_property
    def quorum(self) -> object:
        """How many rollouts the estimate begins with; `None` if it waits for all of them."""
        keeps = setting_of(self.sampler, "late") == "keep"
        return setting_of(self.sampler, "quorum") if keeps else None


async def run_method(method: Method, prompt: PromptLike | Group, n: int, ctx: Context) -> Result:
    """Run `method` once.

    Args:
        method: The roles.
        prompt: A prompt, or a group that was sampled before.
        n: G, the number of rollouts of a prompt.
        ctx: The context that every role is given.

    Raises:
        InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        NoEvidenceError: every rollout failed.
        SynthesisFailedError: the estimator failed; the error's `group` holds the rollouts.
        Exception: a role of the user's own may raise any. Every error has what was paid for as
            its `result`.
    """
    run = _Run(method, ctx)
    try:
        result = await run.result(prompt, n)
    except Exception as error:
        _keep(error, run.so_far(error))
        raise
    ctx.emit(ResultReady(result=result))
    return result


async def run_or_fail(
    method: Method, prompt: PromptLike | Group, n: int, ctx: Context, *, index: int
) -> Result:
    """Run `method` once; a `CatError` is a result with a failure, and with what was paid for.

    Any other error is a defect of a role, and is raised with the same as its `result`.

    The arguments are those of `run_method`, and the place of the prompt among many.
    """
    run = _Run(method, ctx, index)
    try:
        result = await run.result(prompt, n)
    except CatError as error:
        result = run.so_far(error)
    except Exception as error:
        _keep(error, run.so_far(error))
        raise
    ctx.emit(ResultReady(result=result))
    return result


def _keep(error: Exception, result: Result) -> None:
    # An error class of the user may not allow new attributes.
    with suppress(AttributeError):
        cast("Any", error).result = result


class _Run:
    def __init__(self, method: Method, ctx: Context, index: int = 0) -> None:
        self.method, self.index = method, index
        self.group: Group | None = None
        self.reference: Reference | None = None
        self.rubrics: list[Rubric] = []
        self.calls: Sequence[Call] = ()
        self.ctx = replace(ctx, rubrics=self.rubrics)
        self.deadline = method.deadline
        self.end = inf if self.deadline is None else anyio.current_time() + self.deadline

    async def result(self, prompt: PromptLike | Group, n: int) -> Result:
        with recorded("run") as self.calls:
            group, reference = await self._estimated(prompt, n)
            scores = await self._rewarded(group, reference)
        cut_short = any(map(_ended_by_budget, scores))
        return self._result(
            scores=scores,
            partial=group.partial or (reference is not None and reference.partial) or cut_short,
        )

    def so_far(self, error: Exception) -> Result:
        """The partial result of a run that `error` ended."""
        if self.group is None and isinstance(error, NoEvidenceError | SynthesisFailedError):
            self.group = error.group
        return self._result(failure=Failure.of(error))

    def _result(self, **more: Any) -> Result:
        group, reference = self.group, self.reference
        listed = [*(group.calls if group else ()), *(reference.calls if reference else ())]
        known = {id(call) for call in listed}
        return Result(
            index=self.index,
            group=group,
            reference=reference,
            rubrics=tuple(self.rubrics),
            calls=tuple(call for call in self.calls if id(call) not in known),
            **more,
        )

    async def _estimated(
        self, prompt: PromptLike | Group, n: int
    ) -> tuple[Group, Reference | None]:
        early = self.method.quorum is not None and self.method.estimates
        if early and not isinstance(prompt, Group):
            self.group, self.reference = await self._from_quorum(prompt, n)
            return self.group, self.reference
        given = prompt if isinstance(prompt, Group) else await self._sample(prompt, n)
        self.group = self.ctx.reread(given)
        if not self.group.rollouts:
            raise no_evidence(self.group)
        if self.method.estimates:
            self.reference = await self._estimate(self.group)
        return self.group, self.reference

    async def _sample(self, prompt: PromptLike, n: int) -> Group:
        sampler = self.method.sampler
        group = await roles.result_of(sampler.sample(prompt, n, self.ctx), sampler, "sample")
        if not isinstance(group, Group):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(
                f"the sampler {sampler!r:.80} gave {group!r:.80}; give a Group, such as"
                " group_of(prompt, texts)"
            )
        return group

    async def _from_quorum(self, prompt: PromptLike, n: int) -> tuple[Group, Reference]:
        """Estimate from the quorum while the other rollouts are still being sampled."""
        arrived: list[Rollout] = []
        groups: list[Group] = []
        estimated: list[Reference | Exception] = []
        enough = anyio.Event()
        quorum, heard = self.method.quorum, self.ctx.listener

        def listen(event: Event) -> None:
            if isinstance(event, RolloutArrived):
                arrived.append(event.rollout)
            if len(arrived) == quorum:
                enough.set()
            if heard is not None:
                heard(event)

        async def sample() -> None:
            ctx = replace(self.ctx, listener=listen)
            groups.append(await self.method.sampler.sample(prompt, n, ctx))
            enough.set()

        async def estimate() -> None:
            await enough.wait()
            rollouts = tuple(sorted(arrived, key=lambda rollout: rollout.index))
            early = Group(prompt=check_prompt(prompt), rollouts=rollouts)
            group = self.ctx.reread(groups[0] if groups else early)
            try:
                if not group.rollouts:
                    raise no_evidence(group)
                estimated.append(await self._estimate(group))
            except Exception as error:  # noqa: BLE001 - `_joined` raises it, with the late rollouts
                estimated.append(error)

        await fan_out(lambda part: part(), (sample, estimate))
        self.group = group = self.ctx.reread(groups[0])
        return group, await self._joined(group, estimated[0])

    async def _joined(self, group: Group, estimated: Reference | Exception) -> Reference:
        """Give the quorum's reference the whole group; raise if the estimator failed."""
        if isinstance(estimated, NoEvidenceError | SynthesisFailedError):
            estimated.group = group
        if isinstance(estimated, Exception):
            raise estimated
        return await self.ctx.with_evidence(estimated.model_copy(update={"group": group}))

    async def _estimate(self, group: Group) -> Reference:
        self.ctx.emit(EstimationStarted(rollouts=len(group.rollouts)))
        with recorded("estimate") as calls:
            try:
                with anyio.CancelScope(deadline=self.end):
                    estimator = self.method.estimator
                    estimated = estimator.estimate(group, self.ctx.on(group))
                    reference = await roles.result_of(estimated, estimator, "estimate")
                    whole = await whole_reference(estimator, reference, calls, self.ctx)
                    return self._announced(whole)
                late = f"the deadline of {self.deadline:g} s is over; raise the sampler's deadline="
                return self._announced(await self._most_frequent(group, TimedOutError(late), calls))
            except (BudgetExceededError, StructuredOutputError) as error:
                return self._announced(await self._most_frequent(group, error, calls))
            except NoValidOutputError:
                raise
            except CatError as error:
                raise SynthesisFailedError(
                    f"the estimator failed after {counted(len(group.rollouts), 'rollout')}, kept in"
                    f" the error's .group: {error}",
                    group=group,
                    calls=tuple(calls),
                ) from error

    def _announced(self, reference: Reference) -> Reference:
        self.ctx.emit(ReferenceReady(reference=reference))
        return reference

    async def _most_frequent(
        self, group: Group, error: CatError, calls: Sequence[Call]
    ) -> Reference:
        """Fall back to the most frequent answer if the estimator was cut short or gave none."""
        fitting = [rollout for rollout in group.rollouts if self.ctx.fits(rollout)]
        if not fitting:
            raise NoValidOutputError(
                f"none of {counted(len(group.rollouts), 'rollout')}, kept in the error's .group,"
                f" fits the output that was asked for, and the estimator gave none: {error}",
                group=group,
                calls=tuple(calls),
            ) from error
        votes = await self.ctx.answers.votes([rollout.answer for rollout in fitting])
        first = 0 if votes.tied or not votes.classes else votes.classes[0][0]
        chosen = fitting[first]
        provenance = Provenance(method="majority", settings={"because": str(error)})
        reference = Reference(
            text=chosen.text,
            answer=chosen.answer,
            group=group,
            provenance=provenance,
            calls=tuple(calls),
            partial=True,
        )
        return await self.ctx.with_evidence(self.ctx.with_output(reference))

    async def _rewarded(self, group: Group, reference: Reference | None) -> tuple[Score, ...]:
        reward = self.method.reward
        if reward is None:
            return ()
        try:
            rewarded = reward.reward(group, reference, self.ctx.on(group))
            given = await roles.result_of(rewarded, reward, "reward")
            scores = completed(group, given)
        except (ConfigurationError, InvalidInputError):
            raise
        except CatError as error:
            scores = unscored(group, Failure.of(error))
        self.ctx.emit(RewardsReady(scores=scores))
        return scores


async def whole_reference(
    estimator: roles.Estimator, reference: object, calls: Sequence[Call], ctx: Context
) -> Reference:
    """Add what an estimator of the user's own may leave out: method, calls and evidence.

    Args:
        estimator: What gave the reference.
        reference: What it gave.
        calls: The calls that were made meanwhile.
        ctx: The context of the run.

    Raises:
        InvalidInputError: it gave something else than a reference.
        StructuredOutputError: its text does not fit the output that was asked for.
    """
    reference = roles.checked_reference(estimator, reference)
    update: dict[str, object] = {}
    if not reference.provenance.method:
        named = {"method": type(estimator).__name__}
        update["provenance"] = reference.provenance.model_copy(update=named)
    if not reference.calls:
        update["calls"] = tuple(calls)
    if update:
        reference = reference.model_copy(update=update)
    reference = _with_output(reference, ctx)
    return reference if reference.agreement is not None else await ctx.with_evidence(reference)


def _with_output(reference: Reference, ctx: Context) -> Reference:
    if ctx.output is None or reference.data is not None:
        return reference
    written = ctx.output.read(reference.text)
    whole = reference.with_output(written.value, written.data)
    return whole.model_copy(update={"answer": written.answer})


def _ended_by_budget(score: Score) -> bool:
    failures = [score.failure, *(verdict.failure for verdict in score.verdicts)]
    kinds = {failure.kind for failure in failures if failure is not None}
    return BudgetExceededError.__name__ in kinds or any(map(_ended_by_budget, score.parts.values()))


def with_row(item: Item) -> tuple[PromptLike | Group, Row | None]:
    """A prompt and its data row, where the two are given as a pair."""
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Mapping):
        prompt, row = cast("tuple[PromptLike | Group, Row]", item)
        if not isinstance(prompt, Mapping | Message):
            return prompt, row
    return cast("PromptLike | Group", item), None
