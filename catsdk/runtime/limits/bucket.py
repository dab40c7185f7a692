"""A token bucket: at most a given amount in any minute, with bursts of one second's worth."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Bucket"]

WINDOW = 60.0


@dataclass(slots=True)
class Bucket:
    """Room for `per_minute` units in any window of a minute; `now` is in seconds, rising.

    It fills steadily up to `burst`. The refill is slower than `per_minute / 60` by as much as the
    burst may add to a minute, so the bound holds for every window, not only on average. A draw
    larger than the burst waits for a full bucket and leaves a debt; only such a draw may pass the
    bound, for it cannot be split.
    """

    per_minute: float
    burst: float = field(init=False)
    rate: float = field(init=False)
    _level: float = field(init=False)
    _at: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.burst = max(1.0, self.per_minute / WINDOW)
        # A full bucket and a minute's refill together stay below per_minute + 1, and draws of
        # requests are whole.
        self.rate = max(self.per_minute - self.burst + 1.0, self.per_minute / 2.0) / WINDOW
        self._level = self.burst

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` may be taken; 0.0 is at once."""
        missing = min(amount, self.burst) - self._filled(now)
        # Rounding may leave a remainder that never fills up.
        return missing / self.rate if missing > 1e-9 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, which `wait` has allowed."""
        self._level = self._filled(now) - amount

    def give_back(self, amount: float, now: float) -> None:
        """Put back what was taken and not used; a negative `amount` was used on top."""
        self._level = min(self.burst, self._filled(now) + amount)

    def _filled(self, now: float) -> float:
        if self._at is not None:
            gained = max(0.0, now - self._at) * self.rate
            self._level = min(self.burst, self._level + gained)
        self._at = now if self._at is None else max(now, self._at)
        return self._level
