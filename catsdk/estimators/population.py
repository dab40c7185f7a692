"""Makes the next population of a group: estimates from its subsets become the new rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from catsdk.core.concurrency.fanout import fan_out_tolerant
from catsdk.core.errors import NoEvidenceError
from catsdk.core.types import Call, Completion, Failure, Group, Reference, Rollout
from catsdk.runtime.context import Context
from catsdk.runtime.roles import Estimator, reference_by

__all__ = ["Part", "made_from", "next_population"]

Part = tuple[Estimator, Group]


async def next_population(group: Group, ctx: Context, parts: Sequence[Part]) -> Group:
    """Estimate every part at once; part i becomes rollout i, or failure i with its cause.

    Raises:
        NoEvidenceError: every part failed; the message has the causes.
    """

    async def estimate(part: Part) -> Reference:
        estimator, members = part
        return await reference_by(estimator, members, ctx.on(members).quiet())

    made = dict(enumerate(await fan_out_tolerant(estimate, parts)))
    failures = {at: each for at, each in made.items() if isinstance(each, Failure)}
    if len(failures) == len(made):
        causes = sorted({str(failure) for failure in failures.values()})
        raise NoEvidenceError(f"all {len(made)} aggregations failed: {'; '.join(causes[:3])}")
    rollouts = (_rollout(at, each) for at, each in made.items() if isinstance(each, Reference))
    return group.model_copy(update={"rollouts": tuple(rollouts), "failures": failures, "calls": ()})


async def made_from(
    last: Reference,
    group: Group,
    ctx: Context,
    *,
    method: str,
    settings: Mapping[str, JsonValue],
    calls: Sequence[Call],
) -> Reference:
    """Give the reference that the last step made as that of the whole `method` over `group`."""
    provenance = last.provenance.model_copy(update={"method": method, "settings": dict(settings)})
    update = {
        "group": group,
        "provenance": provenance,
        "calls": tuple(calls),
        "partial": group.partial,
    }
    return await ctx.with_evidence(last.model_copy(update=update))


def _rollout(index: int, reference: Reference) -> Rollout:
    completion = Completion(text=reference.text, model=reference.provenance.model)
    return Rollout(index=index, completion=completion, answer=reference.answer)
