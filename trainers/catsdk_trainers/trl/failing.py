"""End a training with an error if too many groups have no reward for too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.display.counting import counted
from catsdk.core.errors import CatError
from catsdk.scored import Scored
from catsdk_trainers.config.settings import Failing
from catsdk_trainers.trl.ranks import everywhere

__all__ = ["Failures", "ScoringFailedError"]


class ScoringFailedError(CatError):
    """Too many groups had no reward for too long; the message gives the last causes.

    What to do: fix the cause, and resume from the checkpoint. `Failing` sets the limits.
    """


@dataclass(slots=True)
class Failures:
    """Counts the steps in which too many groups had no reward, on all ranks together.

    Args:
        policy: The limits on the share of groups and on the number of steps.
    """

    policy: Failing
    steps: int = 0
    in_a_row: int = 0
    last: str = ""
    """A description of the last step that failed."""

    def after(self, scored: Sequence[Scored]) -> None:
        """Count the groups of a step, of which a rank may have none. Collective.

        Raises:
            ScoringFailedError: the limit is reached.
        """
        failed = [each for each in scored if each.failed]
        shares = everywhere((len(failed), len(scored), [each.cause for each in failed[:3]]))
        total = sum(count for _, count, _ in shares)
        share = sum(count for count, _, _ in shares) / max(1, total)
        self.steps += 1
        self.in_a_row = self.in_a_row + 1 if share > self.policy.share else 0
        if not self.in_a_row:
            return
        causes = sorted({str(cause) for _, _, some in shares for cause in some})
        self.last = (
            f"{share:.0%} of {total} groups had no reward, over {self.policy.share:.0%} for"
            f" {counted(self.in_a_row, 'step')} in a row: {'; '.join(causes)}"
        )
        if self.in_a_row >= self.policy.steps:
            raise ScoringFailedError(self.last)

    def at_the_end(self) -> None:
        """Raise for a training too short to reach the limit, if all of its steps failed.

        Raises:
            ScoringFailedError: there were steps, and none of them had enough rewards.
        """
        if self.steps and self.in_a_row == self.steps:
            raise ScoringFailedError(f"{self.last}. These were all steps: nothing was learned")
