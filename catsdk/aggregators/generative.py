"""GenerativeSelfAggregation: a model answers the question anew, with the responses before it."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Group, Provenance, Reference
from catsdk.equivalence.evidence import no_evidence, with_evidence
from catsdk.equivalence.extract import extract_answer
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened
from catsdk.prompts.prompt import Prompt, load

__all__ = ["GenerativeSelfAggregation"]


@dataclass(frozen=True)
class GenerativeSelfAggregation:
    """Estimates the reference by one new answer: y ~ M(. | q, o_1..o_G).

    Source: Li et al., arXiv 2503.04104, section 3. Unlike CaT's synthesis it shows the question
    and asks to answer it, not to reconcile the responses. It is also the step of a mixture of
    agents and of recursive self-aggregation. With `seed` the answer is repeatable where the model
    can. One call.
    """

    model: str | Provider
    sampling: Sampling = Sampling()
    prompt: Prompt | None = None
    seed: int | None = None

    async def estimate(self, group: Group) -> Reference:
        """Write a new answer to the group's prompt.

        Raises:
            NoEvidenceError: the group has no rollout.
            ProviderError: the model failed; `ContextTooLongError` where the responses do not fit.
        """
        if not group.rollouts:
            raise no_evidence(group)
        with recorded("aggregate") as calls:
            async with opened(self.model) as provider:
                able = capabilities_of(provider)
                words = self.prompt or load(able.prompts, "generative")
                texts = [rollout.text for rollout in group.rollouts]
                messages = words.messages(question=group.question, responses=texts)
                seed = self.seed if able.seed else None
                request = self.sampling.request(messages, seed=seed)
                completion = (await provider.complete(request))[0]
                name = completion.model or name_of(provider)
        return with_evidence(
            Reference(
                text=completion.text,
                answer=extract_answer(completion.text),
                group=group,
                provenance=Provenance(
                    method="generative self-aggregation",
                    model=name,
                    prompt=words.name,
                    prompt_version=words.version,
                    settings={"finish_reason": completion.finish_reason},
                ),
                calls=tuple(calls),
                partial=group.partial,
            )
        )
