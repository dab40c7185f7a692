"""How long the answered calls of each stage took: the running p95, and whether it rises."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from catsdk.core.concurrency.bell import Bell

__all__ = ["ENOUGH", "Latencies"]

ENOUGH = 20
KEPT = 256
_REFRESH = 16
# The time to the first token is about that of this many further ones; counting it makes short
# answers comparable.
_HEAD = 32
SLOWER = 3.0
_FORGET = 1.05


@dataclass(slots=True)
class _Stage:
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    paces: list[float] = field(default_factory=list[float])
    best_pace: float | None = None
    seen: int = 0
    straggles: float | None = None
    # Calls that began before any latency was known.
    waiting: list[Bell] = field(default_factory=list[Bell])


class Latencies:
    """The latencies of one endpoint and model, in seconds, by stage."""

    def __init__(self) -> None:
        """Start without measurements."""
        self._stages: dict[str, _Stage] = {}

    def answered(self, stage: str, seconds: float, *, tokens: int, window: int) -> bool | None:
        """Take in a call; after a window of them say whether it was slow.

        The pace is seconds for each token of one answer. The best pace is forgotten slowly, so
        that a lasting change is not held to it for ever.
        """
        kept = self._of(stage)
        kept.seconds.append(seconds)
        kept.seen += 1
        if kept.seen == ENOUGH or kept.seen % _REFRESH == 0:
            kept.straggles = _straggler(kept.seconds)
            self._tell(kept)
        kept.paces.append(seconds / (_HEAD + tokens))
        if len(kept.paces) < max(window, ENOUGH):
            return None
        pace = median(kept.paces)
        kept.paces.clear()
        best = pace if kept.best_pace is None else min(pace, kept.best_pace * _FORGET)
        kept.best_pace = best
        return pace > best * SLOWER

    def straggles_after(self, stage: str) -> float | None:
        """Seconds after which a call of `stage` is a straggler; `None` while too few are known.

        It is the p95, kept between 1.5 and 2 times the median. Where latencies hardly vary the
        p95 calls ordinary calls stragglers; where over 5 % of the calls straggle it is itself a
        straggler's latency.
        """
        kept = self._stages.get(stage)
        return None if kept is None else kept.straggles

    def tell_when_known(self, stage: str, bell: Bell) -> None:
        """Ring `bell` once `straggles_after(stage)` is known."""
        waiting = self._of(stage).waiting
        if bell not in waiting:
            waiting.append(bell)

    def forget(self, stage: str, bell: Bell) -> None:
        """Do not ring `bell` any more."""
        kept = self._stages.get(stage)
        if kept is not None and bell in kept.waiting:
            kept.waiting.remove(bell)

    def _of(self, stage: str) -> _Stage:
        kept = self._stages.get(stage)
        if kept is None:
            kept = self._stages[stage] = _Stage()
        return kept

    def _tell(self, kept: _Stage) -> None:
        waiting, kept.waiting = kept.waiting, []
        for bell in waiting:
            bell.ring()


def _straggler(seconds: deque[float]) -> float | None:
    if len(seconds) < ENOUGH:
        return None
    ordered = sorted(seconds)
    middle, p95 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    return min(max(p95, 1.5 * middle), 2.0 * middle)
