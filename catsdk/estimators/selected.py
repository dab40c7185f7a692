"""A rollout that was selected, as the reference of its group with the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from catsdk.core.types import Call, Reference, Rollout
from catsdk.prompts.prompt import Prompt
from catsdk.runtime.context import Context

__all__ = ["selected"]


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
