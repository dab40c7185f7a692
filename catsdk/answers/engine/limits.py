"""The bounds of the tiers that run in the caller's process, and what is raised at them."""

from __future__ import annotations

__all__ = [
    "MAX_BITS",
    "MAX_NESTING",
    "MAX_TEXT",
    "MAX_TOKENS",
    "Budget",
    "LimitReachedError",
    "UndecidedError",
    "UndefinedError",
    "UnreadableError",
]

MAX_TEXT = 4_000
MAX_TOKENS = 800
MAX_NESTING = 96
MAX_BITS = 8_192

# Measured on one core of 2026: a step takes 0.2 to 0.3 microseconds, so that all of them take
# about 4 ms, and what is left of 5 ms is for reading.
_STEPS = 14_000


class UnreadableError(Exception):
    """The text is not an answer that the grammar knows."""


class LimitReachedError(Exception):
    """A bound on length, depth, digits, exponents or steps was reached."""


class UndefinedError(Exception):
    """The expression has no value, as 1/0 has none."""


class UndecidedError(Exception):
    """The bounded tiers cannot tell."""


class Budget:
    """Counts the steps of one comparison.

    Steps instead of seconds: the same pair then has the same verdict on every machine.
    """

    __slots__ = ("left",)

    def __init__(self, steps: int = _STEPS) -> None:
        """Allow `steps`."""
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take `steps` off.

        Raises:
            LimitReachedError: none are left.
        """
        self.left -= steps
        if self.left < 0:
            raise LimitReachedError("too many steps")

    def spend_on_text(self, length: int) -> None:
        """Take off what reading so many characters costs, of long texts in part only."""
        self.spend(min(3 * length, _STEPS // 2))

    def lend(self, steps: int) -> Budget:
        """Return a budget of at most so many of these steps; `take_back` gives the rest back."""
        steps = max(0, min(steps, self.left))
        self.left -= steps
        return Budget(steps)

    def take_back(self, lent: Budget) -> None:
        """Add what is left of a budget that was lent."""
        self.left += max(0, lent.left)
