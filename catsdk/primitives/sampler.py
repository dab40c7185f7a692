"""Sampler: draws the rollouts o_1..o_G of a prompt from one policy or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from catsdk.core.errors import BudgetExceededError, InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.inputs import PromptLike, check_count, check_prompt
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.types import Call, Completion, Failure, Group, Message, Rollout, Sampling
from catsdk.equivalence.extract import STATED, Extractor
from catsdk.middleware.draw import draw
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened

__all__ = ["OnRollout", "Sampler", "group_of"]

OnRollout = Callable[[int, Rollout | Failure], None]

_SEEDS = 2**31
_APART = 1_000_003


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
        self, prompt: PromptLike, n: int = 8, *, on_rollout: OnRollout | None = None
    ) -> Group:
        """Draw `n` rollouts of `prompt`; those that fail are in `Group.failures`, with causes.

        `on_rollout` is told the index and the rollout, or its failure, as each arrives.

        Raises:
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
        """
        messages, count = check_prompt(prompt), check_count(n)
        policies = self._policies()
        arrived: dict[int, Rollout | Failure] = {}

        def keep(index: int, sample: Completion | Failure) -> None:
            arrived[index] = (
                sample if isinstance(sample, Failure) else _rollout(index, sample, self.extractor)
            )
            if on_rollout is not None:
                on_rollout(index, arrived[index])

        async def share(at: int) -> None:
            indices = range(at, count, len(policies))
            if indices:
                await self._draw(policies[at], messages, indices, keep)

        with recorded("sample") as calls:
            await fan_out(share, range(len(policies)))
        return _group(messages, arrived, tuple(calls))

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
            seed = self._seed(messages, indices.start) if capabilities_of(provider).seed else None
            request = self.sampling.request(messages, n=len(indices), seed=seed)
            await draw(provider, request, lambda at, sample: keep(indices[at], sample))

    def _seed(self, messages: tuple[Message, ...], policy_index: int) -> int | None:
        if self.seed is None:
            return None
        digest = sha256(f"{self.seed}\0{messages!r}".encode()).digest()
        return (int.from_bytes(digest[:4]) + policy_index * _APART) % _SEEDS


def group_of(
    prompt: PromptLike, responses: Sequence[str], *, extractor: Extractor = STATED
) -> Group:
    """Make a group of responses that were sampled elsewhere, in their order.

    Raises:
        InvalidInputError: the prompt is empty or no chat.
    """
    messages = check_prompt(prompt)
    rollouts = (_rollout(at, Completion(text=text), extractor) for at, text in enumerate(responses))
    return Group(prompt=messages, rollouts=tuple(rollouts))


def _rollout(index: int, completion: Completion, extractor: Extractor) -> Rollout:
    found = extractor.extract(completion.text)
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
        partial=any(f.kind == BudgetExceededError.__name__ for f in failures.values()),
    )
