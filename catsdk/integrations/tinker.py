"""Tinker's cookbook: groups that are rewarded by a method, and a sampling client as a model of it.

The cookbook's loops take `CaTGroupBuilder` like any other `EnvGroupBuilder`. Your own builder,
such as a multi-turn one, calls `group_rewards` in its `compute_group_rewards`.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false
# Where `tinker` is not installed, pyright takes this module for it.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import tinker
from tinker_cookbook import renderers
from tinker_cookbook.completers import StopCondition
from tinker_cookbook.exceptions import AllTrajectoriesFailedError
from tinker_cookbook.rl.types import (
    Action,
    ActionExtra,
    Env,
    EnvGroupBuilder,
    Metrics,
    Observation,
    StepResult,
    StopReason,
    Trajectory,
)
from tinker_cookbook.utils import logtree

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core import errors
from catsdk.core.inputs import PromptLike, check_count, check_prompt
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.sampled import completion_of
from catsdk.core.types import Completion, Failure, Group, Message, Request, TextPart, Usage
from catsdk.integrations.kept import Kept
from catsdk.runtime.context import Row
from catsdk.sampling.sampler import rollout_of
from catsdk.scored import Scored, scored_group

__all__ = ["CaTGroupBuilder", "NoGroupRewardError", "TinkerModel", "group_rewards"]

_ERRORS: tuple[tuple[type[Exception], type[errors.ProviderError]], ...] = (
    (tinker.RateLimitError, errors.RateLimitedError),
    (tinker.AuthenticationError, errors.AuthenticationError),
    (tinker.PermissionDeniedError, errors.AuthenticationError),
    (tinker.NotFoundError, errors.ModelNotFoundError),
    (tinker.InternalServerError, errors.ServerError),
    (tinker.APIStatusError, errors.RequestRefusedError),
    (tinker.APITimeoutError, errors.TimedOutError),
    (tinker.APIConnectionError, errors.ConnectionFailedError),
)
# Why the cookbook ended a trajectory that had more to say.
_CUT = frozenset({
    StopReason.MAX_TURNS, StopReason.MAX_TOKENS, StopReason.MAX_SAMPLED_TOKENS,
    StopReason.MAX_TOOL_CALLS, StopReason.CONTEXT_OVERFLOW, StopReason.ROLLOUT_TIMEOUT,
})  # fmt: skip


class NoGroupRewardError(AllTrajectoriesFailedError):  # type: ignore[misc]
    """A group has no reward; the message says why. The cookbook's loop drops the group."""


class TinkerModel:
    """A sampling client of Tinker as a model: that of the base model is the frozen anchor.

    It can be pickled, as the client and the renderer can.

    Args:
        client: The client that samples, such as
            `service.create_sampling_client(base_model="Qwen/Qwen3-8B")`.
        renderer: Turns a conversation into the model's tokens; made by `get_renderer`.
        name: The name its calls are listed under.

    Example:
        ::

            base = service.create_sampling_client(base_model="Qwen/Qwen3-8B")
            anchor = TinkerModel(base, get_renderer("qwen3", tokenizer, model_name="Qwen/Qwen3-8B"))
            method = cat.CaT(estimator=cat.Synthesizer(anchor), reward=cat.AnswerReward())
    """

    capabilities = Capabilities(n=True, seed=True)

    def __init__(
        self, client: tinker.SamplingClient, renderer: renderers.Renderer, name: str = "tinker"
    ) -> None:
        """Keep the client, which is asked at each call."""
        self.client, self.renderer, self.name = client, renderer, name

    def __repr__(self) -> str:
        """The name that its calls are listed under."""
        return f"TinkerModel({self.name!r})"

    def count_tokens(self, text: str) -> int:
        """Return the length of `text` in the model's tokens."""
        return len(self.renderer.tokenizer.encode(text, add_special_tokens=False))

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Sample `request.n` answers in one call.

        Raises:
            UnsupportedError: the request needs something Tinker's sampling lacks.
            ProviderError: the service failed.
        """
        prompt = self.renderer.build_generation_prompt(self._turns(request))
        params = tinker.SamplingParams(
            stop=[*self._ends, *request.stop],
            **_given(request, "max_tokens", "temperature", "top_p", "top_k", "seed"),
        )
        try:
            reply = await self.client.sample_async(prompt, request.n, params)
        except tinker.TinkerError as error:
            raise self._ours(error) from error
        read = [self._completion(each) for each in reply.sequences]
        asked = Usage(
            input_tokens=prompt.length, cached_tokens=reply.prompt_cache_hit_tokens, requests=1
        )
        first = read[0].model_copy(update={"usage": read[0].usage + asked})
        if on_text is not None:
            on_text(first.text)
        return [first, *read[1:]]

    @property
    def _ends(self) -> StopCondition:
        return self.renderer.get_stop_sequences()

    def _turns(self, request: Request) -> list[renderers.Message]:
        in_tokens = any(isinstance(end, int) for end in self._ends)
        lacking = {
            "json_schema": request.json_schema is not None,
            "logprobs": request.logprobs,
            "stop": bool(request.stop) and in_tokens,
            "extra": bool(request.extra),
            "tools": any(message.tool_calls for message in request.messages),
            "images": not all(map(_is_text, request.messages)),
        }
        for capability, wanted in lacking.items():
            if wanted:
                raise errors.UnsupportedError(
                    f"{self.name}: Tinker's sampling takes no {capability} here; leave it out, or"
                    " take another model for this role",
                    capability=capability,
                    model=self.name,
                )
        return [_turn(message) for message in request.messages]

    def _completion(self, sequence: tinker.types.SampledSequence) -> Completion:
        message, _ = self.renderer.parse_response(sequence.tokens)
        return completion_of(
            message,
            model=self.name,
            finish_reason="length" if sequence.stop_reason == "length" else "stop",
            usage=Usage(output_tokens=len(sequence.tokens)),
        )

    def _ours(self, error: tinker.TinkerError) -> errors.ProviderError:
        kind = next((ours for theirs, ours in _ERRORS if isinstance(error, theirs)), None)
        return (kind or errors.ProviderError)(
            f"{self.name}: {error}", model=self.name, status=getattr(error, "status_code", None)
        )


@dataclass(frozen=True)
class CaTGroupBuilder(EnvGroupBuilder):  # type: ignore[misc]
    """A group of answers to one prompt, rewarded by the reference that is made of them.

    It can be pickled where the method's models can. A group without a reward is dropped: the
    reference or a judge failed, or a filter left it out.

    Args:
        prompt: A text, or the messages of a chat.
        cat: The method; it has a reward, and names its anchor.
        renderer: The policy's renderer, made by `get_renderer`.
        num_envs: G, the number of answers.
        row: The other columns of the prompt's data row, such as a known answer for `Gold`.
        tags: Tags that tell the cookbook's metrics apart.

    Raises:
        InvalidInputError: the method has no reward, the prompt is invalid, or `num_envs` is out of
            range.

    Example:
        ::

            builder = CaTGroupBuilder("What is 23 + 58?", method, renderer)
            group = await do_group_rollout(builder, policy)
    """

    prompt: PromptLike
    cat: CaT
    renderer: renderers.Renderer
    num_envs: int = 8
    row: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: tuple[str, ...] = ("cat",)

    def __post_init__(self) -> None:
        """Check early what would otherwise fail only after answers were paid for."""
        _check_reward(self.cat)
        check_count(self.num_envs)
        object.__setattr__(self, "prompt", check_prompt(self.prompt))

    async def make_envs(self) -> Sequence[Env]:
        """Return `num_envs` single-turn environments."""
        turns = [_turn(message) for message in check_prompt(self.prompt)]
        return [_Reply(turns, self.renderer) for _ in range(self.num_envs)]

    async def compute_group_rewards(
        self, trajectory_group: list[Trajectory], env_group: Sequence[Env]
    ) -> list[tuple[float, Metrics]]:
        """Reward the answers; see `group_rewards`."""
        return await group_rewards(
            self.cat, self.prompt, trajectory_group, self.renderer, row=self.row
        )

    def logging_tags(self) -> list[str]:
        """Return the tags."""
        return list(self.tags)


async def group_rewards(
    c: CaT,
    prompt: PromptLike,
    trajectories: Sequence[Trajectory],
    renderer: renderers.Renderer,
    *,
    row: Row | None = None,
) -> list[tuple[float, Metrics]]:
    """Reward trajectories of one prompt by a method, for a builder's `compute_group_rewards`.

    Each rollout is what the policy said in all turns of a trajectory. The method is
    opened once in an event loop, and closed with it.

    Args:
        c: The method; it has a reward.
        prompt: A text, or the messages of a chat.
        trajectories: The group.
        renderer: The policy's renderer, which reads its tokens.
        row: The other columns of the prompt's data row.

    Returns:
        The reward of each trajectory, with the metrics `cat/agreement` and `cat/PART` for each part
        of a sum.

    Raises:
        NoGroupRewardError: a trajectory has no reward. The group would be trained on as if it were
            zero, and is dropped instead.
        ConfigurationError: the set-up is wrong, so that no group can have a reward.
    """
    _check_reward(c)
    own = await _kept_for(c).opened()
    group = _group(check_prompt(prompt), trajectories, renderer, own.answers)
    scored = await scored_group(own, group, row or {})
    _log(scored)
    try:
        numbers = scored.numbers
    except errors.NoRewardError as error:
        raise NoGroupRewardError(str(error)) from error
    return list(zip(numbers, _metrics(scored), strict=True))


class _Reply(Env):  # type: ignore[misc]
    """One answer to a prompt; the group gives its reward."""

    def __init__(self, turns: list[renderers.Message], renderer: renderers.Renderer) -> None:
        self.turns, self.renderer = turns, renderer

    async def initial_observation(self) -> tuple[Observation, StopCondition]:
        prompt = self.renderer.build_generation_prompt(self.turns)
        return prompt, self.renderer.get_stop_sequences()

    async def step(self, action: Action, *, extra: ActionExtra | None = None) -> StepResult:
        return StepResult(
            reward=0.0,
            episode_done=True,
            next_observation=tinker.ModelInput.empty(),
            next_stop_condition=self.renderer.get_stop_sequences(),
        )


# Builders share a method but know only their own group, so it is kept open here.
_kept: WeakKeyDictionary[CaT, Kept] = WeakKeyDictionary()


def _kept_for(c: CaT) -> Kept:
    if c not in _kept:
        # Copies, which do not keep `c` itself alive.
        _kept[c] = Kept(partial(copy.copy, copy.copy(c)))
    return _kept[c]


def _check_reward(c: CaT) -> None:
    if c.rewarder is None:
        raise errors.InvalidInputError(f"{c!r:.200} has no reward; give one such as AnswerReward()")


def _group(
    prompt: tuple[Message, ...],
    trajectories: Sequence[Trajectory],
    renderer: renderers.Renderer,
    answers: Answers,
) -> Group:
    """The trajectories as rollouts, by position; one without tokens has failed."""
    empty = Failure(kind="NoTokens", message="the policy was not asked: the prompt is too long")
    said = {at: each for at, each in enumerate(trajectories) if _tokens(each)}
    rollouts = tuple(rollout_of(at, _said(each, renderer), answers) for at, each in said.items())
    failures = {at: empty for at in range(len(trajectories)) if at not in said}
    return Group(prompt=prompt, rollouts=rollouts, failures=failures)


def _said(trajectory: Trajectory, renderer: renderers.Renderer) -> Completion:
    """What the policy said, its token count, and whether it was cut short."""
    spoken = [each.ac for each in trajectory.transitions if each.ac.tokens]
    cut = spoken[-1].stop_reason == "length" or trajectory.stop_reason in _CUT
    return completion_of(
        [renderer.parse_response(each.tokens)[0] for each in spoken],
        finish_reason="length" if cut else "stop",
        usage=Usage(output_tokens=_tokens(trajectory)),
    )


def _tokens(trajectory: Trajectory) -> int:
    return sum(len(each.ac.tokens) for each in trajectory.transitions)


def _metrics(scored: Scored) -> list[Metrics]:
    reference = scored.result.reference
    agreement = None if reference is None else reference.agreement
    shared: Metrics = {} if agreement is None else {"cat/agreement": agreement}
    return [
        shared
        | {
            f"cat/{name}": part.value
            for name, part in score.parts.items()
            if part.value is not None
        }
        for score in scored.result.scores
    ]


def _log(scored: Scored) -> None:
    reference = scored.result.reference
    with logtree.scope_header("Reference"):
        logtree.log_text(scored.cause or "" if reference is None else reference.text)


def _turn(message: Message) -> renderers.Message:
    return renderers.Message(role=message.role, content=message.text)


def _is_text(message: Message) -> bool:
    content = message.content
    return isinstance(content, str) or all(isinstance(part, TextPart) for part in content)


def _given(request: Request, *names: str) -> dict[str, Any]:
    values = {name: getattr(request, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
