"""Summary: how many rows of a batch succeeded or failed, and what they cost."""

from __future__ import annotations

from catsdk.core.display.counting import counted
from catsdk.core.types import Usage
from catsdk.core.value import Value

__all__ = ["Summary"]


class Summary(Value):
    """How many rows ended how; the counts add up to the rows that were read.

    Args:
        ok: Rows with all that was asked for.
        partial: Rows that a deadline cut short, or whose synthesis could not be read; what there
            is of them is in the output.
        failed: Rows without a result; `failed.jsonl` has the causes.
        refused: Rows that were not sent, since something is wrong with them.
        waiting: Rows that a budget or an interrupt left for the next run.
        records: Records in the output; a row becomes none, one or several.
        usage: What all runs together consumed.

    Example:
        >>> from catsdk.batch import Summary
        >>> print(Summary(ok=2, failed=1, records=2))
        3 rows: 2 ok, 1 failed; 2 records
    """

    ok: int = 0
    partial: int = 0
    failed: int = 0
    refused: int = 0
    waiting: int = 0
    records: int = 0
    usage: Usage = Usage()

    @property
    def rows(self) -> int:
        """The rows that were read."""
        return self.ok + self.partial + self.failed + self.refused + self.waiting

    @property
    def complete(self) -> bool:
        """Whether every row that could be sent was worked on to its end."""
        return not self.waiting

    def __str__(self) -> str:
        """The counts that are not zero."""
        named = ("ok", "partial", "failed", "refused", "waiting")
        counts = [f"{getattr(self, n):,} {n}" for n in named if getattr(self, n) or n == "ok"]
        return (
            f"{counted(self.rows, 'row')}: {', '.join(counts)}; {counted(self.records, 'record')}"
        )
