"""Sampler: draws the rollouts o_1..o_G of a prompt from one policy or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import anyio

from catsdk.core.errors import BudgetExceededError, InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.inputs import MAX_ROLLOUTS, PromptLike, check_count, check_prompt
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.sampled import Sampled, completion_of
from catsdk.core.types import Call, Completion, Failure, Group, Message, Rollout
from catsdk.equivalence.extract import STATED, Extractor
from catsdk.middleware.draw import draw
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened

__all__ = ["CUT_SHORT", "OnRollout", "Sampler", "group_of", "rollout_of"]

OnRollout = Callable[[int, Rollout | Failure], None]

_SEEDS = 2**31
_APART = 1_000_003

LATE = "Late"
OUT_OF_TIME = "OutOfTime"
CUT_SHORT = {BudgetExceededError.__name__, OUT_OF_TIME}


@dataclass(frozen=True)
class Sampler:
    """Draws groups from `policy`; of several policies, rollout i comes from policy i mod P.

    `seed` makes a group repeatable where the models can: it is combined with the prompt, so that
    different prompts do not share their random numbers. `extractor` finds the final answers.
    """

    policy: str | Provider | Sequence[str | Provider]
    sampling: Sampling = Sampling()
    seed: int | None = None
    extractor: Extractor = STATED

    async def sample(
        self,
        prompt: PromptLike,
        n: int = 8,
        *,
        start: int = 0,
        on_rollout: OnRollout | None = None,
        quorum: int | None = None,
        seconds: float | None = None,
    ) -> Group:
        """Draw `n` rollouts of `prompt`; those that fail are in `Group.failures`, with causes.

        They have the indices `start`..`start + n - 1`, and are those that one larger group would
        have there. `on_rollout` is told the index and the rollout, or its failure, as each arrives. Once
        `quorum` rollouts are there, or `seconds` are over, the others are cancelled; they are
        failures too. A group that time cut short is `partial`.

        Raises:
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
        """
        messages, count = check_prompt(prompt), check_count(n)
        policies = self._policies()
        arrived: dict[int, Rollout | Failure] = {}
        scope = anyio.CancelScope()
        if seconds is not None:
            scope.deadline = anyio.current_time() + seconds

        def keep(index: int, sample: Completion | Failure) -> None:
            arrived[index] = (
                sample if isinstance(sample, Failure) else rollout_of(index, sample, self.extractor)
            )
            if on_rollout is not None:
                on_rollout(index, arrived[index])
            if quorum is not None and _there(arrived) >= quorum:
                scope.cancel()

        async def share(at: int) -> None:
            first = start + (at - start) % len(policies)
            indices = range(first, start + count, len(policies))
            if indices:
                await self._draw(policies[at], messages, indices, keep)

        with recorded("sample") as calls, scope:
            await fan_out(share, range(len(policies)))
        late = _late(arrived, range(start, start + count), quorum, seconds)
        return _group(messages, arrived | late, tuple(calls))

    def _policies(self) -> list[str | Provider]:
        if isinstance(self.policy, str) or not isinstance(self.policy, Sequence):
            return [self.policy]
        if not self.policy:
            raise InvalidInputError("policy is an empty list; give at least one model")
        return list(self.policy)

    async def _draw(
        self,
        policy: str | Provider,
        messages: tuple[Message, ...],
        indices: range,
        keep: Callable[[int, Completion | Failure], None],
    ) -> None:
        async with opened(policy) as provider:
            seed = self._seed(messages, indices) if capabilities_of(provider).seed else None
            request = self.sampling.request(messages, n=len(indices), seed=seed)
            if indices.start:
                # Two policies may be one model: their samples are different ones all the same.
                earlier, policy_index = divmod(indices.start, indices.step)
                first = policy_index * MAX_ROLLOUTS + earlier
                request = request.model_copy(update={"sample_index": first})
            await draw(provider, request, lambda at, sample: keep(indices[at], sample))

    def _seed(self, messages: tuple[Message, ...], indices: range) -> int | None:
        """The seed of the first of `indices`; those of one policy follow each other."""
        if self.seed is None:
            return None
        digest = sha256(f"{self.seed}\0{messages!r}".encode()).digest()
        earlier, policy_index = divmod(indices.start, indices.step)
        return (int.from_bytes(digest[:4]) + policy_index * _APART) % _SEEDS + earlier


def group_of(
    prompt: PromptLike, responses: Sequence[Sampled], *, extractor: Extractor = STATED
) -> Group:
    """Make a group of responses that were sampled elsewhere, in their order.

    They are read as a provider's are: thinking is kept apart, and of messages only the
    assistant's count.

    Args:
        prompt: What was asked.
        responses: Texts, completions, or lists of messages.
        extractor: Finds the final answers.

    Raises:
        InvalidInputError: the prompt is empty or no chat, or a response cannot be read.
    """
    messages = check_prompt(prompt)
    rollouts = (
        rollout_of(at, completion_of(response), extractor) for at, response in enumerate(responses)
    )
    return Group(prompt=messages, rollouts=tuple(rollouts))


def rollout_of(index: int, completion: Completion, extractor: Extractor = STATED) -> Rollout:
    """Make the rollout of a completion: its final answer, and the rule that found it."""
    found = extractor.extract(completion.text, cut=completion.finish_reason == "length")
    return Rollout(index=index, completion=completion, answer=found.answer, answer_rule=found.rule)


def _there(arrived: dict[int, Rollout | Failure]) -> int:
    return sum(isinstance(sample, Rollout) for sample in arrived.values())


def _late(
    arrived: dict[int, Rollout | Failure], wanted: range, quorum: int | None, seconds: float | None
) -> dict[int, Rollout | Failure]:
    if quorum is not None and _there(arrived) >= quorum:
        cause = Failure(kind=LATE, message=f"cancelled: a quorum of {quorum} was there before")
    elif seconds is not None:
        cause = Failure(
            kind=OUT_OF_TIME,
            message=f"cancelled: not there within {seconds:.3g} s; raise deadline= or"
            " CATSDK_DEADLINE, of which sampling has a part",
        )
    else:
        return {}
    return {index: cause for index in wanted if index not in arrived}


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
