"""MutualPredictability: the rollout that a model finds most predictable from the others."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from anyio import to_thread

from catsdk.aggregators.likelihood import mean_logprob
from catsdk.aggregators.selected import selected
from catsdk.core.errors import NoEvidenceError, UnsupportedError
from catsdk.core.fanout import fan_out_tolerant
from catsdk.core.ports import (
    Capabilities,
    OnText,
    Provider,
    Scorer,
    capabilities_of,
    name_of,
)
from catsdk.core.registry import resolve
from catsdk.core.types import Completion, Failure, Group, Message, Reference, Request, Rollout
from catsdk.equivalence.evidence import no_evidence
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import stacked
from catsdk.middleware.wrapper import Wrapper
from catsdk.prompts.prompt import Prompt, load

__all__ = ["MutualPredictability"]


@dataclass(frozen=True)
class MutualPredictability:
    """Selects argmax_i 1/T_i sum_t log p(o_i,t | o_i,<t, q, {o_j : j != i}).

    Source: Wen et al., arXiv 2506.10139, equation 1, in the single-prompt form of the CaT
    baselines, arXiv 2509.14234, section 4: the other rollouts stand before the question in one
    prompt, and the mean log-probability of the whole rollout as the answer is compared. `model`
    must be a `Scorer` (a local model, or vLLM). G calls, whose usage is all input. A rollout whose
    call failed, or that is empty, is listed as `unrated` and cannot be selected. Ties go to the
    earlier rollout; one rollout alone needs no call.
    """

    model: str | Provider
    prompt: Prompt | None = None

    async def estimate(self, group: Group) -> Reference:
        """Take the most predictable rollout.

        Raises:
            NoEvidenceError: the group has no rollout, or no call brought a score.
            UnsupportedError: the model cannot score a given text.
        """
        if not group.rollouts:
            raise no_evidence(group)
        method = "mutual predictability"
        if len(group.rollouts) == 1:
            return selected(group, group.rollouts[0], method=method, settings={})
        with recorded("score") as calls:
            async with _scoring(self.model) as provider:
                words = self.prompt or load(capabilities_of(provider).prompts, "predict")

                async def mean(rollout: Rollout) -> float | None:
                    messages = _messages(words, group, rollout)
                    return mean_logprob((await provider.complete(Request(messages=messages)))[0])

                means = await fan_out_tolerant(mean, group.rollouts)
                name = name_of(provider)
        rated = {at: value for at, value in enumerate(means) if isinstance(value, float)}
        if not rated:
            cause = next((value for value in means if isinstance(value, Failure)), "no tokens")
            raise NoEvidenceError(f"none of {len(means)} rollouts could be scored: {cause}")
        best = max(rated, key=lambda at: (rated[at], -at))
        return selected(
            group,
            group.rollouts[best],
            method=method,
            settings={
                "mean_logprobs": {
                    str(group.rollouts[at].index): value for at, value in rated.items()
                },
                "unrated": [r.index for at, r in enumerate(group.rollouts) if at not in rated],
            },
            calls=calls,
            model=name,
            prompt=words,
        )


def _messages(prompt: Prompt, group: Group, rollout: Rollout) -> tuple[Message, ...]:
    others = [other.text for other in group.rollouts if other.index != rollout.index]
    asked = prompt.messages(question=group.question, responses=others)
    return (*asked, Message(role="assistant", content=rollout.text))


@dataclass(frozen=True, slots=True)
class _Scoring:
    """Scores the last message as the answer to those before it, so that the usual wrappers fit."""

    scorer: Scorer
    name: str
    capabilities: Capabilities

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        return [await self.scorer.score(request.messages[:-1], request.messages[-1].text)]


@asynccontextmanager
async def _scoring(model: str | Provider) -> AsyncGenerator[Provider]:
    """Give the model as a provider of scores, wrapped as any other; opened here, closed here."""
    async with AsyncExitStack() as exits:
        provider = await to_thread.run_sync(resolve, model) if isinstance(model, str) else model
        if isinstance(model, str) and hasattr(provider, "__aenter__"):
            await exits.enter_async_context(provider)  # type: ignore[arg-type]
        while isinstance(provider, Wrapper):
            provider = provider.wrapped
        if not isinstance(provider, Scorer):
            raise UnsupportedError(
                f"{name_of(provider)} cannot score a given text; use a local model or vLLM",
                capability="score",
                model=name_of(provider),
            )
        yield stacked(_Scoring(provider, name_of(provider), capabilities_of(provider)))
