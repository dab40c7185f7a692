"""The verdict on a pair of answers: equal, different or unknown, with its tier, cause and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["NOTHING", "Cause", "Outcome", "Tier", "Verdict"]

Outcome = Literal["equal", "different", "unknown"]
Tier = Literal["text", "exact", "numeric", "structure", "symbolic", "engine", "none"]
Cause = Literal[
    "",
    "unparseable",
    "reference unparseable",
    "undefined",
    "limit",
    "timeout",
    "undecided",
    "failed",
]

# The detail of a verdict on an answer that states nothing: it does not even equal itself.
NOTHING = "nothing is there"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two answers are the same.

    Args:
        outcome: `equal`, `different` or `unknown`.
        tier: The means that decided, `none` where none did.
        cause: Why a verdict is unknown: an answer or the reference could not be read, one has no
            value, a bound was reached, the time was over, no tier could tell, or the engine failed.
        detail: Words for a reader.
        seconds: The work of the tiers, without waiting in a queue; 0 for two plain numbers.

    Example:
        >>> from catsdk.answers import same
        >>> same("1/2", "0.5").equal, same("1/2", "0.51").outcome
        (True, 'different')
    """

    outcome: Outcome
    tier: Tier = "none"
    cause: Cause = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def equal(self) -> bool | None:
        """`True`, `False`, or `None` if it is unknown."""
        return None if self.outcome == "unknown" else self.outcome == "equal"
