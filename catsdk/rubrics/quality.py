"""Finds faults of a rubric: twin or compound criteria, no signal, or a reference ranked low."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from statistics import StatisticsError, correlation
from typing import Literal

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Options
from catsdk.core.types import Completion, Criterion, Rollout, Rubric, Score, Verdict
from catsdk.rubrics.scoring import points
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Judge

__all__ = [
    "CriterionReport",
    "Filtered",
    "Filters",
    "corrupted",
    "filtered",
    "parts_of",
    "ranks_reference",
    "report",
    "twins",
]

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_FILLING = "a an and are as at be by for in is it its of on or that the this to with"
_STOP = frozenset(_FILLING.split())
_NOT = frozenset(
    ["no", "not", "never", "without", "cannot", "avoids", "lacks", "omits", "nor", "neither"]
)
_SPOKEN = re.compile(r"\"[^\"]*\"|'[^']{2,}'|`[^`]*`|\([^)]*\)")
# Verbs that begin a criterion; a second one begins a second demand.
_VERBS = (
    "states|mentions|gives|shows|explains|names|lists|describes|includes|recommends|advises|warns"
    "|asks|provides|contains|uses|identifies|notes|says|cites|defines|compares|concludes|answers"
    "|computes|derives|proves|avoids|suggests|offers|addresses|acknowledges|specifies|discusses"
)
_SECOND = re.compile(
    r"(?:\s*[;,]\s*(?:and\s+)?|\s+(?:and|as well as|plus)\s+)(?:also\s+|then\s+)?"
    rf"(?=(?:{_VERBS})\b)"
    r"|\s*;\s+",
    re.IGNORECASE,
)
MAX_WORDS = 200


class Filters(Options):
    """Which criteria are taken out of a rubric before it is used; all are off by default.

    Args:
        twins: Whether of criteria that say the same only the first stays.
        compound: What becomes of a criterion with two demands: `keep`, `drop`, or `split` where
            they can be told apart by their verbs.

    Raises:
        InvalidInputError: an option is unknown or out of its range.

    Example:
        >>> from catsdk.rubrics import Filters, filtered, loads
        >>> rubric = loads("criteria: [The answer names clouds., The answer names clouds]")
        >>> len(filtered(rubric, Filters(twins=True)).rubric.criteria)
        1
    """

    twins: bool = False
    compound: Literal["keep", "split", "drop"] = "keep"


@dataclass(frozen=True, slots=True)
class Filtered:
    """A rubric after `Filters`; `changes` says of each change which criterion and why."""

    rubric: Rubric
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CriterionReport:
    """What a criterion tells about a set of rollouts.

    `met` is the share of rollouts that meet it, among the `judged` that have a verdict.
    `discrimination` is the correlation of its verdicts with the score by the other criteria, from
    -1 to 1; `agreement` the share of pairs of votes that are equal, where a panel judged. Both are
    `None` if they are undefined. `signal` is false where all rollouts meet it, or none.
    """

    criterion: Criterion
    judged: int
    met: float | None
    discrimination: float | None
    agreement: float | None

    @property
    def signal(self) -> bool:
        """Whether it tells any two rollouts apart."""
        return self.met is not None and 0 < self.met < 1


def filtered(rubric: Rubric, filters: Filters) -> Filtered:
    """Take out or split what the filters say; a changed rubric is the next version.

    Args:
        rubric: The rubric.
        filters: What is taken out.

    Returns:
        The rubric, and what was changed and why.

    Raises:
        InvalidInputError: no criterion is left.

    Example:
        >>> from catsdk.rubrics import Filters, filtered, loads
        >>> rubric = loads("criteria: [Names clouds., Is brief.]")
        >>> filtered(rubric, Filters(twins=True)).changes
        ()
    """
    criteria, changes = list(rubric.criteria), list[str]()
    if filters.compound != "keep":
        criteria = _without_compound(criteria, filters.compound, changes)
    if filters.twins:
        criteria = _without_twins(criteria, changes)
    if not criteria:
        raise InvalidInputError(f"no criterion of the rubric is left: {'; '.join(changes)}")
    return Filtered(rubric.revised(criteria) if changes else rubric, tuple(changes))


def parts_of(text: str) -> list[str]:
    """The demands of a criterion, each as a criterion of its own; one where it asks for one thing.

    Demands are parted at a semicolon, or where "and" (a comma, "as well as") is followed by a
    second verb; quotations and brackets are left whole.
    """
    hidden = _SPOKEN.sub(lambda found: "\x00" * len(found[0]), text)
    pieces: list[str] = []
    start = 0
    for second in _SECOND.finditer(hidden):
        pieces.append(text[start : second.start()])
        start = second.end()
    pieces.append(text[start:])
    parts = [piece.strip(" .,;") for piece in pieces]
    return [part[0].upper() + part[1:] if len(parts) > 1 else part for part in parts if part]


def twins(left: str, right: str) -> bool:
    """Tell whether two criteria say the same: nearly the same words, numbers and negations."""
    one, two = _words(left), _words(right)
    if _fixed(one) != _fixed(two):
        return False
    return len(one & two) >= 0.8 * len(one | two)


def report(rubric: Rubric, scores: Sequence[Score]) -> list[CriterionReport]:
    """What each criterion tells about the rollouts that `scores` judged."""
    table = [{v.criterion_id: v for v in score.verdicts} for score in scores]
    return [_report(rubric, criterion, table) for criterion in rubric.criteria]


async def ranks_reference(
    rubric: Rubric,
    reference: str,
    judge: Judge,
    *,
    worse: Sequence[str] = (),
    seed: int = 0,
    ctx: Context | None = None,
) -> bool | None:
    """Whether `judge` gives the reference a higher score by the rubric than each worse text.

    Without `worse` texts the reference itself is corrupted (`corrupted`). A rubric that does not
    rank the reference first should be rejected; `None` if verdicts are missing.

    Raises:
        InvalidInputError: the reference cannot be corrupted, and no worse text is given.
    """
    texts = [reference, *(worse or [corrupted(reference, seed)])]

    async with standing_alone(ctx) as context:

        async def judged(text: str) -> float | None:
            rollout = Rollout(index=0, completion=Completion(text=text))
            verdicts = await judge.judge(rubric, rollout, context)
            whole = len(verdicts) == len(rubric.criteria)
            missing = any(verdict.degree is None for verdict in verdicts)
            return points(rubric, verdicts) if whole and not missing else None

        first, *others = await fan_out(judged, texts)
    known = [value for value in others if value is not None]
    if first is None or len(known) < len(others):
        return None
    return first > max(known)


def corrupted(text: str, seed: int = 0) -> str:
    """A worse text: every number is changed, and half of the sentences or lines are left out.

    Raises:
        InvalidInputError: it has neither a number nor a second sentence.
    """
    rng = Random(f"{seed}/{text}")
    pieces = re.split(r"(?<=[.!?])\s+|\n+", text.strip())
    kept = sorted(rng.sample(range(len(pieces)), (len(pieces) + 1) // 2))
    worse = re.sub(
        r"\d+", lambda number: _other(number[0], rng), "\n".join(pieces[i] for i in kept)
    )
    if worse == text.strip():
        raise InvalidInputError(
            f"a text without a number or a second sentence cannot be corrupted: {text[:80]!r};"
            " give a worse one"
        )
    return worse


def _other(number: str, rng: Random) -> str:
    last = rng.choice([digit for digit in "0123456789" if digit != number[-1]])
    return number[:-1] + last


def _without_compound(
    criteria: Sequence[Criterion], how: Literal["split", "drop"], changes: list[str]
) -> list[Criterion]:
    kept: list[Criterion] = []
    weighted = any(criterion.weight != 1 for criterion in criteria)
    for criterion in criteria:
        parts = parts_of(criterion.text)
        if len(parts) < 2:
            kept.append(criterion)
        elif how == "drop":
            changes.append(f"{criterion.id} asks for {len(parts)} things and is dropped")
        else:
            changes.append(f"{criterion.id} asks for {len(parts)} things and is split")
            # The parts share the weight of the whole; without weights each counts as one.
            share = criterion.weight / len(parts) if weighted else 1.0
            update = [
                {"id": f"{criterion.id}.{at}", "text": part, "weight": share}
                for at, part in enumerate(parts, 1)
            ]
            kept += [criterion.model_copy(update=each) for each in update]
    return kept


def _without_twins(criteria: Sequence[Criterion], changes: list[str]) -> list[Criterion]:
    kept: list[Criterion] = []
    for criterion in criteria:
        first = next((each for each in kept if twins(each.text, criterion.text)), None)
        if first is None:
            kept.append(criterion)
        else:
            changes.append(f"{criterion.id} says the same as {first.id} and is dropped")
    return kept


def _words(text: str) -> frozenset[str]:
    words = [word.casefold() for word in _WORD.findall(text)[:MAX_WORDS]]
    return frozenset(word for word in words if word not in _STOP)


def _fixed(words: frozenset[str]) -> frozenset[str]:
    """The words that twins must have in common: numbers, single letters, negations."""
    return frozenset(w for w in words if w in _NOT or len(w) == 1 or any(c.isdigit() for c in w))


def _report(
    rubric: Rubric, criterion: Criterion, table: Sequence[Mapping[str, Verdict]]
) -> CriterionReport:
    own = [row.get(criterion.id) for row in table]
    degrees = [verdict.degree for verdict in own if verdict is not None]
    there = [degree for degree in degrees if degree is not None]
    rest = rubric.model_copy(
        update={"criteria": tuple(c for c in rubric.criteria if c.id != criterion.id)}
    )
    pairs = [
        (verdict.degree, other)
        for verdict, row in zip(own, table, strict=True)
        if verdict is not None and verdict.degree is not None
        if (other := points(rest, row.values())) is not None
    ]
    return CriterionReport(
        criterion=criterion,
        judged=len(there),
        met=sum(there) / len(there) if there else None,
        discrimination=_correlation(pairs),
        agreement=_agreement([verdict for verdict in own if verdict is not None]),
    )


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    try:
        return correlation(*zip(*pairs, strict=True)) if len(pairs) > 1 else None
    except StatisticsError:
        return None


def _agreement(verdicts: Sequence[Verdict]) -> float | None:
    votes = [[v.met for v in verdict.votes if v.met is not None] for verdict in verdicts]
    equal = [left == right for ballot in votes for left, right in combinations(ballot, 2)]
    return sum(equal) / len(equal) if equal else None
