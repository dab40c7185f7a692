"""Money: the calls of a run by stage and model, from a limited number of its items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from catsdk.core.types import Call
from catsdk.view.entry import Entry

__all__ = ["LOOKED_AT", "money_of"]

LOOKED_AT: Final = 300
"""The most items whose calls are added up by stage."""

# The failure that is recorded for a call whose caller was cancelled.
_CANCELLED: Final = "Cancelled"


def money_of(entries: Iterable[Entry]) -> dict[str, Any]:
    """Add up the calls of entries.

    Args:
        entries: The entries.

    Returns:
        `stages`: for each stage and model its calls, failed calls, cancelled calls (hedges of slow
        calls, and calls no longer needed), tokens, price and seconds; `kept`: how many rollouts
        came from the cache, free of charge; `items`: the number of entries.
    """
    stages: dict[tuple[str, str], dict[str, Any]] = {}
    items = kept = 0
    for entry in entries:
        items += 1
        rollouts = entry.group.rollouts if entry.group else ()
        kept += sum(rollout.completion.cached for rollout in rollouts)
        for call in entry.all_calls:
            _add(stages, call)
    rows = [{"stage": stage, "model": model, **row} for (stage, model), row in stages.items()]
    return {"stages": rows, "items": items, "kept": kept}


def _add(stages: dict[tuple[str, str], dict[str, Any]], call: Call) -> None:
    row = stages.setdefault(
        (call.stage, call.model),
        {
            "calls": 0, "failed": 0, "cancelled": 0, "input": 0, "output": 0, "cached": 0,
            "reasoning": 0, "batched": 0, "cost": 0.0, "seconds": 0.0,
        },
    )  # fmt: skip
    usage = call.usage
    row["calls"] += 1
    cancelled = call.failure is not None and call.failure.kind == _CANCELLED
    row["failed"] += call.failure is not None and not cancelled
    row["cancelled"] += cancelled
    row["input"] += usage.input_tokens
    row["output"] += usage.output_tokens
    row["cached"] += usage.cached_tokens
    row["reasoning"] += usage.reasoning_tokens
    row["batched"] += usage.batched
    row["seconds"] += call.latency
    row["cost"] = None if usage.cost is None or row["cost"] is None else row["cost"] + usage.cost
