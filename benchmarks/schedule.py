"""The ideal schedule of work in two stages: no overhead, limited slots, known latencies."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

__all__ = ["ideal_seconds", "scheduled_seconds", "stages_of"]

Stages = Sequence[tuple[Sequence[float], float]]


def ideal_seconds(prompts: Stages, in_flight: int) -> float:
    """The shortest time found for `prompts`, each given as latencies of rollouts and synthesis.

    Two orders are tried, prompt after prompt and longest rollouts first, each with the syntheses
    before or after the waiting rollouts. No schedule can be shorter than the total work divided by
    the slots, or than the longest prompt.
    """
    longest_first = sorted(prompts, key=lambda prompt: -max(prompt[0]) - prompt[1])
    return min(
        scheduled_seconds(order, in_flight, synthesis_first=first)
        for order in (prompts, longest_first)
        for first in (True, False)
    )


def scheduled_seconds(prompts: Stages, in_flight: int, *, synthesis_first: bool) -> float:
    """The time for `prompts` in this order; a synthesis goes before or after waiting rollouts."""
    early, late = (0, 1) if synthesis_first else (1, 0)
    ready = [
        (late, at, seconds) for at, (rollouts, _) in enumerate(prompts) for seconds in rollouts
    ]
    heapq.heapify(ready)
    left = [len(rollouts) for rollouts, _ in prompts]
    running: list[tuple[float, int, bool]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < in_flight:
            rank, at, seconds = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds, at, rank == late))
        now, at, is_rollout = heapq.heappop(running)
        left[at] -= is_rollout
        if is_rollout and left[at] == 0:
            heapq.heappush(ready, (early, at, prompts[at][1]))
    return now


def stages_of(served: Sequence[dict[str, Any]], n: int) -> list[tuple[list[float], float]] | None:
    """The latencies of each item's `n` rollouts and of its synthesis; `None` for other work."""
    latencies: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for request in served:
        if request["status"] == 200:
            latencies[request["item"]].append((request["began"], request["latency"]))
    if any(len(each) != n + 1 for each in latencies.values()):
        return None
    ordered = [[latency for _, latency in sorted(each)] for each in latencies.values()]
    return [(each[:n], each[n]) for each in ordered]
