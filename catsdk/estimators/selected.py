"""Which rollouts may be selected, and the reference made from the selected one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from catsdk.answers.answers import no_evidence
from catsdk.core.display.counting import counted
from catsdk.core.errors import StructuredOutputError
from catsdk.core.types import Call, Group, Reference, Rollout
from catsdk.prompts.prompt import Prompt
from catsdk.runtime.context import Context

__all__ = ["candidates", "selected", "without_label"]


def candidates(group: Group, ctx: Context) -> Group:
    """The group of the rollouts that may be selected: all, or those that fit the run's output.

    Raises:
        NoEvidenceError: the group has no rollout.
        StructuredOutputError: none of them fits the output that was asked for.
    """
    if not group.rollouts:
        raise no_evidence(group)
    fitting = tuple(rollout for rollout in group.rollouts if ctx.fits(rollout))
    if not fitting:
        raise StructuredOutputError(
            f"none of {counted(len(group.rollouts), 'rollout')} fits the output that"
            f" was asked for; the first: {_misfit(group.rollouts[0], ctx)}"
        )
    return group.model_copy(update={"rollouts": fitting})


def _misfit(rollout: Rollout, ctx: Context) -> str:
    if ctx.output is None or rollout.completion.finish_reason == "length":
        return "it was cut at its token limit; raise max_tokens of the Sampling"
    try:
        ctx.output.read(rollout.text)
    except StructuredOutputError as error:
        return str(error)
    return "it does not fit"


async def selected(
    ctx: Context,
    rollout: Rollout,
    *,
    method: str,
    settings: Mapping[str, JsonValue],
    calls: Sequence[Call] = (),
    model: str = "",
    prompt: Prompt | None = None,
) -> Reference:
    """Make `rollout` the reference of the context's group, with the evidence of the group."""
    reference = ctx.reference(
        rollout, method=method, settings=settings, calls=calls, model=model, prompt=prompt
    )
    return await ctx.with_evidence(reference)


def without_label(reference: Reference, why: str) -> Reference:
    """Take the answer out of a reference whose estimator abstains, and say why.

    An answer reward then leaves the group out; without the reason it would be a failure.
    """
    provenance = reference.provenance
    settings = {**provenance.settings, "abstains": why}
    update = {"provenance": provenance.model_copy(update={"settings": settings})}
    return reference.model_copy(update={"answer": None, "text": "", "data": None, **update})
