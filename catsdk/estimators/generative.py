"""GenerativeSelfAggregation: a model reads the responses and answers the question anew."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.answers.answers import no_evidence
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Completion, Group, Reference, Request
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.prompted import PromptedRole
from catsdk.runtime.structured import ask

__all__ = ["GenerativeSelfAggregation"]


@dataclass(frozen=True)
class GenerativeSelfAggregation(PromptedRole):
    r"""Estimates the reference by one new answer: y ~ M(. | q, o_1..o_G).

    Source: Li et al., arXiv 2503.04104, section 3. Unlike CaT's synthesis it shows the question and
    asks to answer it, not to reconcile the responses. It is also the step of a mixture of agents
    and of recursive self-aggregation. One call.

    Args:
        model: The model that answers; `None` is the anchor of the run.
        sampling: Temperature and the like; by default the model's own.
        seed: Makes the answer repeatable if the model supports seeds.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import GenerativeSelfAggregation
        >>> from catsdk.testing import FunctionProvider
        >>> model = FunctionProvider(lambda request: r"It is \boxed{42}.")
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{41}"])
        >>> (await GenerativeSelfAggregation(model).estimate(group)).answer
        '42'
    """

    sampling: Sampling = Sampling()
    seed: int | None = None

    task = "generative"

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Write a new answer to the group's prompt.

        Raises:
            NoEvidenceError: the group has no rollout.
            StructuredOutputError: no reply fits the output that was asked for.
            ProviderError: the model failed; `ContextTooLongError` where the responses do not fit.
        """
        async with standing_alone(ctx, group) as context:
            if not group.rollouts:
                raise no_evidence(group)
            with recorded("aggregate") as calls:
                provider = await context.model(self.model)
                able = capabilities_of(provider)
                words = self.words_for(provider)
                texts = [rollout.text for rollout in group.rollouts]
                messages = words.messages(question=group.conversation, responses=texts)
                seed = self.seed if able.seed else None
                request = self.sampling.request(messages, seed=seed)
                completion = await _answer_of(provider, request, context)
                name = completion.model or name_of(provider)
            return await context.with_evidence(
                context.reference(
                    completion.text,
                    method="generative self-aggregation",
                    settings={"finish_reason": completion.finish_reason},
                    calls=calls,
                    model=name,
                    prompt=words,
                )
            )


async def _answer_of(provider: Provider, request: Request, ctx: Context) -> Completion:
    """Send `request`; if the run asks for an output, repeat until an answer fits it.

    Raises:
        StructuredOutputError: no answer fits the output.
        ProviderError: the model failed.
    """
    output = ctx.output
    if output is None:
        return (await provider.complete(request))[0]
    asked = request.model_copy(update={"messages": ctx.answers.asked(request.messages)})
    form, attempts, route = output.asked_for, output.attempts, output.route
    return (await ask(provider, asked, form, attempts=attempts, route=route))[1]
