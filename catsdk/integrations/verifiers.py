"""verifiers: an environment that rewards attempts by their reference, and the reward alone.

`CaTEnv` is found as `--env.id catsdk-env`, and any taskset runs in it. An environment of your own
calls `GroupRubric` in its `finalize`. prime-rl trains on either like any verifiers environment.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false

from __future__ import annotations

import asyncio  # noqa: TID251 (verifiers runs on asyncio alone, and fans out by it)
from collections.abc import Sequence
from typing import Any

import verifiers.v1 as vf
from pydantic import Field

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_kind, check_prompt
from catsdk.core.sampled import Sampled, completion_of
from catsdk.core.types import Completion, Failure, Group, Message, Usage
from catsdk.integrations.kept import Kept
from catsdk.runtime.attribution import recorded
from catsdk.sampling.sampler import rollout_of
from catsdk.scored import Scored, scored_group

__all__ = ["CaTEnv", "CaTEnvConfig", "GroupRubric"]


class GroupRubric:
    """Rewards the traces of one task by a method; any environment calls it in its `finalize`.

    The traces are the group: of each, what the policy said on its last branch is the rollout. The
    task's own fields are the row, where `Gold` finds known answers.

    Args:
        c: The method; it has a reward, and names its anchor.
        name: The name of the reward on a trace, and the prefix of its metrics.
        weight: The weight of the reward beside others on a trace.

    Raises:
        InvalidInputError: `c` is not a CaT, or has no reward.

    Example:
        ::

            class Debate(vf.Env[DebateConfig]):
                rubric = GroupRubric(cat.CaT(estimator="openai:gpt-5", reward=cat.AnswerReward()))

                async def finalize(self, task, episode):
                    await self.rubric.score(task, episode.by_agent["solver"])

                async def stop(self):
                    await self.rubric.aclose()
    """

    def __init__(self, c: CaT, *, name: str = "cat", weight: float = 1.0) -> None:
        """Choose the method; nothing is opened or sent."""
        check_kind("c", c, (CaT,), "a CaT such as CaT(estimator=..., reward=AnswerReward())")
        if c.rewarder is None:
            raise InvalidInputError(f"{c!r:.200} has no reward; give one such as AnswerReward()")
        self.cat, self.name, self.weight = c, name, weight
        # Each event loop has its own copy.
        self._kept = Kept(lambda: c.with_client(c.client))

    async def score(self, task: vf.Task, traces: Sequence[vf.Trace]) -> Scored:
        """Record each trace's reward and how it came about.

        Beside the reward, a trace is given the metric `NAME_agreement`, the reference and the
        reasons in `info[NAME]`; the first one is also given the usage of all calls. A trace that
        failed is a rollout that failed, without a reward.

        Args:
            task: What the traces have in common.
            traces: The group.

        Returns:
            The rewards and their evidence.

        Raises:
            NoRewardError: a trace that is `ok` has no reward; the others have theirs by then. In
                `finalize` that is an error of the episode, which no trainer takes for a zero.
            ConfigurationError: the set-up is wrong, so that no group can have a reward.
            InvalidInputError: there are no traces.
        """
        if not traces:
            raise InvalidInputError("there are no traces to reward; give those of one task")
        for trace in traces:
            trace.rewards[self.name] = None
        c = await self._kept.opened()
        with recorded("reward") as calls:
            try:
                row = task.data.model_dump()
                scored = await scored_group(c, _group(task.data, traces, c.answers), row)
            finally:
                used = Usage.total(call.usage for call in calls)
                if used.tokens:
                    traces[0].extra_usage.append(_usage(used))
        self._record(scored, traces)
        if any(trace.ok and trace.rewards[self.name] is None for trace in traces):
            _ = scored.numbers
        return scored

    async def aclose(self) -> None:
        """Close the models that are open in the running loop."""
        await self._kept.aclose()

    def _record(self, scored: Scored, traces: Sequence[vf.Trace]) -> None:
        reference = scored.result.reference
        for trace, score in zip(traces, scored.result.scores, strict=True):
            facts: dict[str, Any] = {"reasons": list(score.reasons)}
            if reference is not None:
                facts |= {"reference": reference.text, "answer": reference.answer}
                if reference.agreement is not None:
                    trace.record_metric(f"{self.name}_agreement", reference.agreement)
            trace.info[self.name] = facts
            if score.value is not None:
                trace.record_reward(self.name, score.value, self.weight)


class CaTEnvConfig(vf.EnvConfig):  # type: ignore[misc]
    """The `[env]` section of a run whose `id` is `catsdk-env`."""

    agent: vf.AgentConfig = vf.AgentConfig()
    n: int = Field(8, ge=1)
    """G, the number of attempts; `max_concurrent_agents` says how many run at once."""
    cat: dict[str, Any] = Field(default_factory=dict)
    """The method, written as in a recipe; without a reward it is `AnswerReward`."""
    task_rewards: bool = False
    """Whether the task's own rewards count, too; by default they are metrics, for they may know
    the answer."""


class CaTEnv(vf.Env[CaTEnvConfig]):  # type: ignore[misc]
    """The attempts of one task are a group, rewarded by the reference that is made of them.

    An episode is `n` attempts. Where an attempt failed, the episode is not a result for verifiers,
    and no reference is bought for it. A reference or a judge that failed is an error of the
    episode.

    Args:
        config: The taskset, the agent and the method.

    Raises:
        InvalidInputError: the description of the method is invalid.

    Example:
        `vf-eval gsm8k --env.id catsdk-env --env.n 4 --env.cat.estimator openai:gpt-5`
    """

    def __init__(self, config: CaTEnvConfig) -> None:
        """Read the description of the method; no model is opened before the first group."""
        super().__init__(config)
        described = CaT.from_data({"reward": "AnswerReward"} | config.cat)
        self.rubric = GroupRubric(described)

    async def run(self, task: vf.Task, agents: vf.Agents) -> None:
        """Attempt the task `n` times."""
        async with asyncio.TaskGroup() as attempts:
            for _ in range(self.config.n):
                attempts.create_task(agents.agent.run(task))

    async def finalize(self, task: vf.Task, episode: vf.Episode) -> None:
        """Reward the attempts.

        Raises:
            CatError: an attempt has no reward.
        """
        if not all(trace.ok for trace in episode.traces):
            return
        if not self.config.task_rewards:
            for trace in episode.traces:
                _as_metrics(trace)
        await self.rubric.score(task, episode.traces)

    async def stop(self) -> None:
        """Close the models."""
        await self.rubric.aclose()


def _as_metrics(trace: vf.Trace) -> None:
    """Keep the task's own rewards of a trace as metrics, without training on them."""
    for name, reward in trace.rewards.items():
        if reward is not None:
            trace.record_metric(name, reward.score)
    trace.rewards.clear()


def _group(data: vf.TaskData, traces: Sequence[vf.Trace], answers: Answers) -> Group:
    """The traces as rollouts, by position."""
    failures = {at: _failure(trace) for at, trace in enumerate(traces) if not trace.ok}
    rollouts = tuple(
        rollout_of(at, _completion(trace), answers)
        for at, trace in enumerate(traces)
        if at not in failures
    )
    return Group(prompt=_prompt(data, traces), rollouts=rollouts, failures=failures)


def _prompt(data: vf.TaskData, traces: Sequence[vf.Trace]) -> tuple[Message, ...]:
    """What the task asks; if a user opens the conversation, what came before the first reply."""
    asked: Any = data.prompt
    if asked is None:
        first: Sequence[vf.MessageNode] = next(
            (trace.branches[0].nodes for trace in traces if trace.branches), []
        )
        sampled = next((at for at, node in enumerate(first) if node.sampled), len(first))
        return check_prompt([_plain(node.message) for node in first[:sampled]])
    asked = [{"role": "user", "content": asked}] if isinstance(asked, str) else map(_plain, asked)
    system = data.system_prompt
    before = [] if system is None else [{"role": "system", "content": system}]
    return check_prompt([*before, *asked])


def _completion(trace: vf.Trace) -> Completion:
    """What the policy said, its token count, and whether it was cut short."""
    said: Sampled = trace.root_reply or [
        _plain(node.message) for node in (trace.branches[-1:] or [_EMPTY])[0].nodes if node.sampled
    ]
    known: dict[str, Any] = {"finish_reason": "length" if trace.is_truncated else "stop"}
    if trace.num_output_tokens:
        known["usage"] = Usage(output_tokens=trace.num_output_tokens)
    return completion_of(said, **known)


_EMPTY = vf.Branch(index=0, nodes=[])


def _plain(message: vf.Message) -> dict[str, Any]:
    plain: dict[str, Any] = message.model_dump(exclude_none=True)
    return plain


def _failure(trace: vf.Trace) -> Failure:
    error = trace.last_error
    if error is None:
        return Failure(kind="RolloutError", message=trace.stop_condition or "the attempt failed")
    return Failure(kind=error.type, message=error.message, status=error.status_code)


def _usage(usage: Usage) -> vf.Usage:
    return vf.Usage(
        prompt_tokens=usage.input_tokens - usage.cached_tokens,
        completion_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost=usage.cost,
    )
