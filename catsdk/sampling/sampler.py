"""Sampler: draws the rollouts o_1..o_G of a prompt from one policy or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

import anyio

from catsdk.answers.answers import Answers
from catsdk.core.choices import check_choice
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import BudgetExceededError, InvalidInputError
from catsdk.core.events import RolloutArrived, RolloutFailed
from catsdk.core.inputs import (
    MAX_ROLLOUTS,
    PromptLike,
    check_count,
    check_many,
    check_prompt,
)
from catsdk.core.options import Sampling, check_sampling
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.sampled import Sampled, completion_of
from catsdk.core.types import Call, Completion, Failure, Group, Message, Rollout
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.structured import Asking
from catsdk.sampling.many import draw

__all__ = ["CUT_SHORT", "SAMPLING_SHARE", "Sampler", "group_of", "rollout_of"]

Late = Literal["cancel", "keep"]

_SEEDS = 2**31
_APART = 1_000_003

LATE = "Late"
OUT_OF_TIME = "OutOfTime"
CUT_SHORT = {BudgetExceededError.__name__, OUT_OF_TIME}
SAMPLING_SHARE = 0.7
"""The part of a deadline after which the estimation begins with the rollouts that are there."""


@dataclass(frozen=True)
class Sampler:
    r"""Draws groups of rollouts (paper, section 3.1).

    Args:
        policy: The model, or several: rollout i then comes from policy i mod P. `None` is the
            policy of the `CaT` that it is given to, else `CATSDK_MODEL`.
        sampling: Temperature and the like; by default the model's own.
        seed: Makes a group repeatable if the model supports seeds. It is combined with the prompt,
            so that draws are independent for each prompt.
        system: A system message that is put before prompts without one.
        ask: Whether the words of `Answers.instruction` are added to prompts, or those that ask for
            the run's output; by default where the run rewards by answers or has an output. A model
            with a prompt set of its own is never asked so.
        quorum: Number of rollouts that are enough to continue; `None` waits for all.
        late: What to do with rollouts that come after the quorum: `cancel` them, or `keep` them in
            the group, although the estimator does not see them.
        deadline: Seconds for a whole result, of which sampling may take 70 %. What is there by then
            is used, and the result is marked `partial`.

    Raises:
        InvalidInputError: a setting is of the wrong kind or out of its range.

    Example:
        >>> from catsdk import Sampler, Sampling
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: [r"\boxed{4}", r"\boxed{5}"])
        >>> group = await Sampler(policy, Sampling(temperature=1.0)).sample("2+2?", n=2)
        >>> [rollout.answer for rollout in group.rollouts]
        ['4', '5']
    """

    policy: str | Provider | Sequence[str | Provider] | None = None
    sampling: Sampling = Sampling()
    seed: int | None = None
    system: str | None = None
    ask: bool | None = None
    quorum: int | None = None
    late: Late = "cancel"
    deadline: float | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_sampling(self.sampling)
        check_choice("late", self.late, get_args(Late))
        if self.quorum is not None:
            check_count(self.quorum, "quorum")
        seconds = self.deadline
        numeric = isinstance(seconds, int | float)  # pyright: ignore[reportUnnecessaryIsInstance]
        if seconds is not None and not (numeric and seconds > 0):
            raise InvalidInputError(f"deadline is {seconds!r:.80}; give seconds, more than 0")

    async def sample(
        self, prompt: PromptLike, n: int = 8, ctx: Context | None = None, *, start: int = 0
    ) -> Group:
        """Draw `n` rollouts of `prompt`.

        Args:
            prompt: A text, or the messages of a chat.
            n: G, the number of rollouts.
            ctx: The context of a run; without one the sampler stands alone.
            start: The index of the first rollout; those from there on are the ones that a larger
                group would have there.

        Returns:
            The group; rollouts that failed are in `Group.failures`, with their causes. Once the
            quorum is there, or the time is over, the others are cancelled, and are failures too. A
            group that time cut short is `partial`.

        Raises:
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        """
        messages, count = check_prompt(prompt), check_count(n)
        if self.system is not None and messages[0].role not in {"system", "developer"}:
            messages = (Message(role="system", content=self.system), *messages)
        async with standing_alone(ctx) as context:
            drawing = _Drawing(self, messages, range(start, start + count), context)
            return await drawing.run()


class _Drawing:
    """The state of one group that is being drawn."""

    def __init__(
        self, sampler: Sampler, messages: tuple[Message, ...], wanted: range, ctx: Context
    ) -> None:
        self.sampler, self.messages, self.wanted, self.ctx = sampler, messages, wanted, ctx
        self.arrived: dict[int, Rollout | Failure] = {}
        self.sent: tuple[Message, ...] = ()
        self.scope = anyio.CancelScope()

    async def run(self) -> Group:
        policies = self._policies()
        seconds = self._seconds
        if seconds is not None:
            self.scope.deadline = anyio.current_time() + seconds

        async def share(at: int) -> None:
            start = self.wanted.start
            first = start + (at - start) % len(policies)
            if indices := range(first, self.wanted.stop, len(policies)):
                await self._draw(policies[at], indices)

        with recorded("sample") as calls, self.scope:
            await fan_out(share, range(len(policies)))
        return _group(self.sent or self.messages, self.arrived | self._late(), tuple(calls))

    @property
    def _seconds(self) -> float | None:
        deadline = self.sampler.deadline
        return None if deadline is None else deadline * SAMPLING_SHARE

    @property
    def _quorum(self) -> int | None:
        return self.sampler.quorum if self.sampler.late == "cancel" else None

    def _keep(self, index: int, sample: Completion | Failure) -> None:
        if isinstance(sample, Failure):
            self.arrived[index] = sample
            self.ctx.emit(RolloutFailed(index=index, failure=sample))
        else:
            rollout = rollout_of(index, sample, self.ctx.answers)
            self.arrived[index] = rollout
            if self.ctx.heard:
                self.ctx.emit(RolloutArrived(rollout=rollout))
        if self._quorum is not None and self._there >= self._quorum:
            self.scope.cancel()

    @property
    def _there(self) -> int:
        return sum(isinstance(sample, Rollout) for sample in self.arrived.values())

    def _policies(self) -> Sequence[str | Provider | None]:
        policy = self.sampler.policy
        if policy is None or isinstance(policy, str | Provider) or not isinstance(policy, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
            return [policy]
        if not policy:
            raise InvalidInputError("policy is an empty list; give at least one model")
        return policy

    async def _draw(self, policy: str | Provider | None, indices: range) -> None:
        provider = await self.ctx.model(policy, "policy")
        seed = self._seed(indices) if capabilities_of(provider).seed else None
        messages = self._asked(provider)
        request = self.sampler.sampling.request(messages, n=len(indices), seed=seed)
        if indices.start:
            # Two policies may be the same model, but their samples must still differ.
            earlier, policy_index = divmod(indices.start, indices.step)
            first = policy_index * MAX_ROLLOUTS + earlier
            request = request.model_copy(update={"sample_index": first})
        if (output := self.ctx.output) is not None:
            provider = Asking(provider, output.sent, output.route)
        await draw(provider, request, lambda at, sample: self._keep(indices[at], sample))

    def _asked(self, provider: Provider) -> tuple[Message, ...]:
        """The prompt as it is sent, which is also the group's prompt."""
        wanted = self.ctx.asks or self.ctx.output is not None
        asks = wanted if self.sampler.ask is None else self.sampler.ask
        if asks and capabilities_of(provider).prompts == "english":
            self.sent = self.ctx.answers.asked(self.messages)
            return self.sent
        return self.messages

    def _seed(self, indices: range) -> int | None:
        """The seed of the first of `indices`; the seeds of one policy are consecutive."""
        if self.sampler.seed is None:
            return None
        digest = sha256(f"{self.sampler.seed}\0{self.messages!r}".encode()).digest()
        earlier, policy_index = divmod(indices.start, indices.step)
        return (int.from_bytes(digest[:4]) + policy_index * _APART) % _SEEDS + earlier

    def _late(self) -> dict[int, Rollout | Failure]:
        """The failures of the rollouts that were cancelled."""
        if self._quorum is not None and self._there >= self._quorum:
            told = f"cancelled: a quorum of {self._quorum} was there before"
            cause = Failure(kind=LATE, message=told)
        elif self._seconds is not None:
            cause = Failure(
                kind=OUT_OF_TIME,
                message=f"cancelled: not there within {self._seconds:.3g} s; raise the deadline of"
                " the sampler, of which sampling has a part",
            )
        else:
            return {}
        return {index: cause for index in self.wanted if index not in self.arrived}


def group_of(
    prompt: PromptLike, responses: Sequence[Sampled], *, answers: Answers = Answers()
) -> Group:
    r"""Make a group of responses that were sampled elsewhere, in their order.

    They are read as a provider's are: thinking is kept apart, and of messages only the assistant's
    count.

    Args:
        prompt: What they respond to: a text, or the messages of a chat.
        responses: The G texts, completions, or lists of messages.
        answers: How their final answers are found.

    Returns:
        The group; rollout i is response i.

    Raises:
        InvalidInputError: the prompt is empty or not a chat, `responses` is one text, or a response
            cannot be read.

    Example:
        >>> from catsdk import group_of
        >>> group_of("6*7?", [r"\boxed{42}"]).rollouts[0].answer
        '42'
    """
    messages = check_prompt(prompt)
    check_many("responses", responses, "give a list of texts, completions or lists of messages")
    rollouts = (
        rollout_of(at, completion_of(response), answers) for at, response in enumerate(responses)
    )
    return Group(prompt=messages, rollouts=tuple(rollouts))


def rollout_of(index: int, completion: Completion, answers: Answers = Answers()) -> Rollout:
    """Make the rollout of a completion: its final answer, and the rule that found it."""
    found = answers.extract(completion.text, cut=completion.finish_reason == "length")
    return Rollout(index=index, completion=completion, answer=found.answer, answer_rule=found.rule)


def _group(
    messages: tuple[Message, ...], arrived: dict[int, Rollout | Failure], calls: tuple[Call, ...]
) -> Group:
    ordered = sorted(arrived.items())
    failures = {index: sample for index, sample in ordered if isinstance(sample, Failure)}
    return Group(
        prompt=messages,
        rollouts=tuple(sample for _, sample in ordered if isinstance(sample, Rollout)),
        failures=failures,
        calls=calls,
        partial=any(failure.kind in CUT_SHORT for failure in failures.values()),
    )
