"""Screens a proposed rubric: filters criteria, and rejects it if it ranks its reference low."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.types import Rubric
from catsdk.rubrics.quality import Filters, filtered, ranks_reference
from catsdk.runtime.context import Context
from catsdk.runtime.roles import Judge

__all__ = ["Screened", "screened"]


@dataclass(frozen=True, slots=True)
class Screened:
    """A rubric after its filters; `rejected` says why it should not be used, if it should not."""

    rubric: Rubric
    changes: tuple[str, ...] = ()
    rejected: str | None = None


async def screened(
    rubric: Rubric,
    reference: str,
    filters: Filters,
    *,
    judge: Judge | None = None,
    ctx: Context | None = None,
) -> Screened:
    """Filter `rubric`, then let `judge` rank `reference` above worse texts by it (no judge: not).

    The worse texts are the reference, corrupted. A rubric is rejected too where verdicts are
    missing: what could not be checked has not passed.

    Raises:
        InvalidInputError: no criterion is left, or the reference cannot be corrupted.
    """
    kept = filtered(rubric, filters)
    if judge is None:
        return Screened(kept.rubric, kept.changes)
    first = await ranks_reference(kept.rubric, reference, judge, ctx=ctx)
    told = {
        True: None,
        False: "it does not rank the reference above a worse text",
        None: "verdicts on the reference or on a worse text are missing, so it is not known to rank"
        " the reference first",
    }
    return Screened(kept.rubric, kept.changes, told[first])
