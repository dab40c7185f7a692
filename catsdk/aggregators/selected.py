"""A rollout that was selected, as the reference of its group with the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from catsdk.core.types import Call, Group, Provenance, Reference, Rollout
from catsdk.equivalence.evidence import with_evidence
from catsdk.prompts.prompt import Prompt

__all__ = ["selected"]


def selected(
    group: Group,
    rollout: Rollout,
    *,
    method: str,
    settings: Mapping[str, JsonValue],
    calls: Sequence[Call] = (),
    model: str = "",
    prompt: Prompt | None = None,
) -> Reference:
    """Make `rollout` the reference of `group`; the provenance names its index as `selected`."""
    return with_evidence(
        Reference(
            text=rollout.text,
            answer=rollout.answer,
            group=group,
            provenance=Provenance(
                method=method,
                model=model,
                prompt=prompt.name if prompt else None,
                prompt_version=prompt.version if prompt else None,
                settings={"selected": rollout.index, **settings},
            ),
            calls=tuple(calls),
            partial=group.partial,
        )
    )
