"""Adapts the number of calls in flight: additive increase, multiplicative decrease."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FLOOR_SHARE", "AdaptiveLimit"]

OVERLOADED = 0.5
SLOWED = 0.8
# The limit stays above this share of the cap: a service that refuses calls at random, whatever the
# load, would otherwise bring it down to one.
FLOOR_SHARE = 1 / 16


@dataclass(slots=True)
class AdaptiveLimit:
    """The limit between `floor` and `most`, as TCP finds the rate of a path (AIMD).

    It starts at `most`. `epoch` counts the cuts: a call tells at its end the epoch of its start,
    so that a burst that fails together cuts once.
    """

    most: int
    adapts: bool = True
    limit: float = field(init=False)
    epoch: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    @property
    def allowed(self) -> int:
        """Calls that may be in flight now, at least one."""
        return int(self.limit)

    @property
    def floor(self) -> float:
        """The lowest limit."""
        return max(1.0, self.most * FLOOR_SHARE)

    def capped(self, most: int, *, adapts: bool) -> None:
        """Change the cap; a limit that stood at the old cap moves to the new one."""
        at_cap = self.limit >= self.most or not adapts
        self.most, self.adapts = most, adapts
        self.limit = float(most) if at_cap else min(self.limit, float(most))

    def succeeded(self, *, full: bool) -> None:
        """Grow by one for each limit's worth of answers, where the limit was in use (`full`)."""
        if full and self.adapts:
            self.limit = min(float(self.most), self.limit + 1.0 / self.limit)

    def overloaded(self, epoch: int) -> None:
        """Shrink: the service refused a call that began in `epoch`."""
        self._cut(OVERLOADED, epoch)

    def slowed(self, epoch: int) -> None:
        """Shrink a little: the service got slower under the present load."""
        self._cut(SLOWED, epoch)

    def _cut(self, factor: float, epoch: int) -> None:
        if self.adapts and epoch >= self.epoch:
            self.limit = max(self.floor, self.limit * factor)
            self.epoch += 1
