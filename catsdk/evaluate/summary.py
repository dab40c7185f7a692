"""Summarises observations as a report: means, pairs, frontier, order and position checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from pydantic import JsonValue

from catsdk.core.types import Failure, Usage
from catsdk.evaluate.calibration import Calibration
from catsdk.evaluate.columns import Column, columns_of
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.observations import Observation, Seen
from catsdk.evaluate.report import (
    OrderCheck,
    Pair,
    PassAt,
    Point,
    PositionCheck,
    Report,
    Unanswered,
)
from catsdk.evaluate.statistics import Bootstrap, Estimate, holm, mcnemar, pass_at_k

__all__ = ["summarise"]

Table = Mapping[tuple[str, int], Column]
"""What each estimator did at each size."""

SHUFFLED = "+shuffled"
_PAIRS = 256


def summarise(
    seen: Sequence[Seen],
    contenders: Sequence[Contender],
    *,
    title: str,
    data: str,
    models: Mapping[str, JsonValue] | None = None,
    settings: Mapping[str, JsonValue] | None = None,
    calibration: Calibration | None = None,
    paid: Usage | None = None,
    notes: Sequence[str] = (),
    draws: int = 2000,
    seed: int = 0,
) -> Report:
    """Make the report; `draws` is the number of bootstrap resamples, drawn under `seed`.

    Raises:
        MissingExtraError: numpy is not installed.
    """
    bootstrap = Bootstrap(len(seen), draws=draws, seed=seed)
    table = columns_of(seen, [contender.name for contender in contenders])
    sizes = sorted({size for _, size in table})
    points = [
        _point(contender, size, table[contender.name, size], bootstrap)
        for contender in contenders
        for size in sizes
        if (contender.name, size) in table
    ]
    right = any(each.item.accepted for each in seen)
    failures = _failures(seen)
    report = Report(
        title=title,
        data=data,
        measure="share of problems solved" if right else "rubric score",
        models=dict(models or {}),
        settings=dict(settings or {}),
        items=len(seen),
        sizes=tuple(sizes),
        rollouts=sum(len(each.group.rollouts) for each in seen),
        failed_rollouts=sum(len(each.group.failures) for each in seen),
        silent_rollouts=sum(r.answer is None for each in seen for r in each.group.rollouts),
        unanswered=_unanswered(seen) if right else None,
        failures={kind: len(found) for kind, found in failures.items()},
        causes={kind: found[0].message for kind, found in failures.items()},
        single=bootstrap.estimate([_mean(each.scores.values()) for each in seen]),
        pass_at=_pass_at(seen, sizes, bootstrap) if right else (),
        points=tuple(points),
        pairs=_pairs(contenders, table, bootstrap, exact=right),
        orders=_orders(contenders, table, bootstrap),
        positions=_positions(contenders, table, bootstrap),
        calibration=calibration,
        paid=paid,
        notes=tuple(notes),
    )
    if report.unranked is not None:
        return report
    return report.model_copy(update={"points": _with_frontier(points)})


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else None


def _rescued(observation: Observation) -> bool | None:
    if observation.all_wrong is None or observation.score is None:
        return None
    return observation.all_wrong and observation.score == 1.0


_ESTIMATED: dict[str, Callable[[Observation], bool | float | None]] = {
    "score": lambda o: o.score,
    "tokens": lambda o: o.usage.tokens,
    "tied": lambda o: o.tied,
    "departs": lambda o: o.departs,
    "right_departing": lambda o: o.score if o.departs else None,
    "majority_departing": lambda o: o.majority_score if o.departs else None,
    "rescued": _rescued,
}


def _point(contender: Contender, size: int, column: Column, bootstrap: Bootstrap) -> Point:
    made = bootstrap.estimates([column.means(value) for value in _ESTIMATED.values()])
    estimates: dict[str, Any] = dict(zip(_ESTIMATED, made, strict=True))
    first = column.first.values()
    priced = all(o.usage.cost is not None for o in column.observations)
    return Point(
        estimator=contender.name,
        size=size,
        control=contender.control,
        input_tokens=column.average(lambda o: o.usage.input_tokens),
        output_tokens=column.average(lambda o: o.usage.output_tokens),
        requests=column.average(lambda o: o.usage.requests),
        cost=column.average(lambda o: o.usage.cost) if priced else None,
        drawn=column.average(lambda o: o.drawn),
        items=len(first),
        draws=column.most,
        failed=sum(o.failure is not None for o in first),
        ungraded=sum(o.ungraded is not None for o in first),
        abstained=sum(o.failure is None and o.answer is None for o in first),
        **estimates,
    )


def _with_frontier(points: Sequence[Point]) -> tuple[Point, ...]:
    """Mark the points that no cheaper point equals; controls are left out."""
    best = -math.inf
    marked: set[tuple[str, int]] = set()
    options = [
        (point.tokens.mean, -point.score.mean, point)
        for point in points
        if point.control is None and point.tokens is not None and point.score is not None
    ]
    for _, loss, point in sorted(options, key=lambda option: option[:2]):
        if -loss > best:
            best = -loss
            marked.add((point.estimator, point.size))
    return tuple(
        point.model_copy(update={"on_frontier": (point.estimator, point.size) in marked})
        for point in points
    )


def _failures(seen: Sequence[Seen]) -> dict[str, list[Failure]]:
    """Count the failures of each kind, of rollouts and of references from the first sub-sample."""
    found: dict[str, list[Failure]] = {}
    for each in seen:
        for failure in each.group.failures.values():
            found.setdefault(f"rollout: {failure.kind}", []).append(failure)
        for o in each.observations:
            if o.failure is not None and o.draw == 0:
                found.setdefault(f"{o.estimator}: {o.failure.kind}", []).append(o.failure)
    return dict(sorted(found.items()))


def _unanswered(seen: Sequence[Seen]) -> Unanswered:
    rollouts = [r for each in seen if each.item.accepted for r in each.group.rollouts]
    without = [rollout for rollout in rollouts if rollout.answer is None]
    return Unanswered(
        rollouts=len(rollouts),
        without=len(without),
        cut=sum(rollout.completion.finish_reason == "length" for rollout in without),
    )


def _pass_at(
    seen: Sequence[Seen], sizes: Sequence[int], bootstrap: Bootstrap
) -> tuple[PassAt, ...]:
    found: list[PassAt] = []
    for k in range(1, max(sizes, default=0) + 1):
        values = [
            pass_at_k(len(each.scores), sum(s == 1.0 for s in each.scores.values()), k)
            if len(each.scores) >= k
            else None
            for each in seen
        ]
        share = bootstrap.estimate(values)
        if share is not None:
            found.append(PassAt(k=k, share=share))
    return tuple(found)


def _pairs(
    contenders: Sequence[Contender], table: Table, bootstrap: Bootstrap, *, exact: bool
) -> tuple[Pair, ...]:
    """Compare every two estimators at each size, with p-values adjusted for the number of pairs."""
    means = {key: column.means(lambda o: o.score) for key, column in table.items()}
    names = [contender.name for contender in contenders]
    both = [
        (first, second, size)
        for size in sorted({size for _, size in table})
        for first, second in combinations([name for name in names if (name, size) in table], 2)
    ]
    pairs: list[Pair] = []
    for at in range(0, len(both), _PAIRS):
        part = both[at : at + _PAIRS]
        differences = bootstrap.estimates(
            [means[first, size] - means[second, size] for first, second, size in part]
        )
        pairs += [
            _pair(*key, difference, table, exact=exact)
            for key, difference in zip(part, differences, strict=True)
            if difference is not None
        ]
    return _adjusted(pairs)


def _adjusted(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    # Only the largest size is tested; smaller sizes show the trend.
    largest = max((pair.size for pair in pairs), default=0)
    tested = [at for at, p in enumerate(pairs) if p.p_value is not None and p.size == largest]
    adjusted = dict(zip(tested, holm([pairs[at].p_value or 0.0 for at in tested]), strict=True))
    return tuple(
        pair.model_copy(update={"p_holm": adjusted[at]}) if at in adjusted else pair
        for at, pair in enumerate(pairs)
    )


def _pair(
    first: str, second: str, size: int, difference: Estimate, table: Table, *, exact: bool
) -> Pair:
    pair = Pair(first=first, second=second, size=size, difference=difference)
    if not exact:
        return pair
    whole = [(a.score, b.score) for a, b in _firsts(first, second, size, table)]
    only_first = sum(a == 1.0 and b == 0.0 for a, b in whole)
    only_second = sum(a == 0.0 and b == 1.0 for a, b in whole)
    return pair.model_copy(
        update={
            "only_first": only_first,
            "only_second": only_second,
            "p_value": mcnemar(only_first, only_second),
        }
    )


def _firsts(
    first: str, second: str, size: int, table: Table
) -> list[tuple[Observation, Observation]]:
    """The observations of two estimators on the first sub-sample of the items that both have."""
    there, other = table[first, size].first, table[second, size].first
    return [(observation, other[at]) for at, observation in there.items() if at in other]


def _orders(
    contenders: Sequence[Contender], table: Table, bootstrap: Bootstrap
) -> tuple[OrderCheck, ...]:
    found: list[OrderCheck] = []
    names = {contender.name for contender in contenders}
    for name in sorted(names):
        if f"{name}{SHUFFLED}" not in names:
            continue
        sizes = [size for each, size in table if each == name and size > 1]
        size = max((s for s in sizes if (f"{name}{SHUFFLED}", s) in table), default=None)
        if size is not None:
            check = _order(name, size, table, bootstrap)
            found += [check] if check is not None else []
    return tuple(found)


def _order(name: str, size: int, table: Table, bootstrap: Bootstrap) -> OrderCheck | None:
    there, other = table[name, size].first, table[f"{name}{SHUFFLED}", size].first
    pairs = [
        (there[at], other[at]) if at in there and at in other else None
        for at in range(bootstrap.count)
    ]
    changed, difference = bootstrap.estimates(
        [[_changed(p) for p in pairs], [_gained(p) for p in pairs]]
    )
    if changed is None:
        return None
    return OrderCheck(
        estimator=name,
        shuffled=f"{name}{SHUFFLED}",
        size=size,
        changed=changed,
        difference=difference,
    )


def _changed(pair: tuple[Observation, Observation] | None) -> float | None:
    if pair is None or pair[0].failure is not None or pair[1].failure is not None:
        return None
    first, second = pair
    return float(first.answer_class != second.answer_class)


def _gained(pair: tuple[Observation, Observation] | None) -> float | None:
    if pair is None or pair[0].score is None or pair[1].score is None:
        return None
    return pair[0].score - pair[1].score


def _positions(
    contenders: Sequence[Contender], table: Table, bootstrap: Bootstrap
) -> tuple[PositionCheck, ...]:
    found: list[PositionCheck] = []
    size = max((size for _, size in table), default=0)
    for contender in contenders:
        column = table.get((contender.name, size))
        if column is None or contender.free or size < 2:
            continue
        followed = bootstrap.estimates([_followed(column, at) for at in range(size)])
        there = tuple(each for each in followed if each is not None)
        if there:
            found.append(PositionCheck(estimator=contender.name, size=size, followed=there))
    return tuple(found)


def _followed(column: Column, position: int) -> list[float | None]:
    """Whether each item's reference has the answer that was shown at `position`."""
    values: list[float | None] = [None] * column.count
    for at, observation in column.first.items():
        if len(observation.followed) > position:
            values[at] = float(observation.followed[position])
    return values
