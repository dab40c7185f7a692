"""Makes the report of what was seen: means, pairs, frontier, order and position checks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from pydantic import JsonValue

from catsdk.core.types import Usage
from catsdk.evaluate.calibrate import Calibration
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.observations import Observation, Seen
from catsdk.evaluate.report import OrderCheck, Pair, PassAt, Point, PositionCheck, Report
from catsdk.evaluate.statistics import Bootstrap, Estimate, holm, mcnemar, pass_at_k

__all__ = ["summarise"]

Row = Sequence[Observation]
"""The observations of one item, one for each sub-sample."""
Rows = Sequence[Row]
"""One row an item, in the order of the items; empty where there is none."""

SHUFFLED = "+shuffled"


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
    table = _table(seen, contenders)
    sizes = sorted({size for _, size in table})
    points = [
        _point(contender, size, table[contender.name, size], bootstrap)
        for contender in contenders
        for size in sizes
        if (contender.name, size) in table
    ]
    right = any(each.item.gold is not None for each in seen)
    return Report(
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
        failures=_causes(seen),
        single=bootstrap.estimate([_mean(each.scores.values()) for each in seen]),
        pass_at=_pass_at(seen, sizes, bootstrap) if right else (),
        points=_with_frontier(points),
        pairs=_pairs(contenders, table, bootstrap, exact=right),
        orders=_orders(contenders, table, bootstrap),
        positions=_positions(contenders, table, bootstrap),
        calibration=calibration,
        paid=paid,
        notes=tuple(notes),
    )


def _table(seen: Sequence[Seen], contenders: Sequence[Contender]) -> dict[tuple[str, int], Rows]:
    found: dict[tuple[str, int], list[list[Observation]]] = {}
    for at, each in enumerate(seen):
        for observation in each.observations:
            key = (observation.estimator, observation.size)
            rows = found.setdefault(key, [[] for _ in seen])
            rows[at].append(observation)
    known = {contender.name for contender in contenders}
    return {key: rows for key, rows in found.items() if key[0] in known}


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else None


def _share(row: Row, value: Callable[[Observation], bool | float | None]) -> float | None:
    """The mean of a value over the sub-samples of one item that have it."""
    return _mean(None if (each := value(o)) is None else float(each) for o in row)


def _rescued(observation: Observation) -> bool | None:
    if observation.all_wrong is None or observation.score is None:
        return None
    return observation.all_wrong and observation.score == 1.0


def _average(rows: Rows, value: Callable[[Observation], float]) -> float:
    return _mean(_share(row, value) for row in rows) or 0.0


def _point(contender: Contender, size: int, rows: Rows, bootstrap: Bootstrap) -> Point:
    def estimate(value: Callable[[Observation], bool | float | None]) -> Estimate | None:
        return bootstrap.estimate([_share(row, value) for row in rows])

    first = [row[0] for row in rows if row]
    costs = [o.usage.cost for row in rows for o in row]
    return Point(
        estimator=contender.name,
        size=size,
        control=contender.control,
        score=estimate(lambda o: o.score),
        tokens=estimate(lambda o: o.usage.tokens),
        input_tokens=_average(rows, lambda o: o.usage.input_tokens),
        output_tokens=_average(rows, lambda o: o.usage.output_tokens),
        requests=_average(rows, lambda o: o.usage.requests),
        cost=None if None in costs else _average(rows, lambda o: o.usage.cost or 0.0),
        drawn=_average(rows, lambda o: o.drawn),
        items=len(first),
        draws=max((len(row) for row in rows), default=0),
        failed=sum(o.failure is not None for o in first),
        ungraded=sum(o.ungraded is not None for o in first),
        abstained=sum(o.failure is None and o.answer is None for o in first),
        tied=estimate(lambda o: o.tied),
        departs=estimate(lambda o: o.departs),
        right_departing=estimate(lambda o: o.score if o.departs else None),
        majority_departing=estimate(lambda o: o.majority_score if o.departs else None),
        rescued=estimate(_rescued),
    )


def _with_frontier(points: Sequence[Point]) -> tuple[Point, ...]:
    """Mark the points that no cheaper one is as good as; controls are no options."""
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


def _causes(seen: Sequence[Seen]) -> dict[str, int]:
    """How often each kind of failure came, of rollouts and of references of the first sub-sample."""
    kinds = Counter(f"rollout: {f.kind}" for each in seen for f in each.group.failures.values())
    kinds.update(
        f"{o.estimator}: {o.failure.kind}"
        for each in seen
        for o in each.observations
        if o.failure is not None and o.draw == 0
    )
    return dict(sorted(kinds.items()))


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
    contenders: Sequence[Contender],
    table: Mapping[tuple[str, int], Rows],
    bootstrap: Bootstrap,
    *,
    exact: bool,
) -> tuple[Pair, ...]:
    pairs = [
        pair
        for size in sorted({size for _, size in table})
        for first, second in combinations(
            [each.name for each in contenders if (each.name, size) in table], 2
        )
        if (pair := _pair(first, second, size, table, bootstrap, exact=exact)) is not None
    ]
    # The comparison that is asked for is that at the largest size; the others show the way there.
    largest = max((pair.size for pair in pairs), default=0)
    tested = [pair for pair in pairs if pair.p_value is not None and pair.size == largest]
    adjusted = iter(holm([pair.p_value or 0.0 for pair in tested]))
    return tuple(
        pair.model_copy(update={"p_holm": next(adjusted)}) if pair in tested else pair
        for pair in pairs
    )


def _pair(
    first: str,
    second: str,
    size: int,
    table: Mapping[tuple[str, int], Rows],
    bootstrap: Bootstrap,
    *,
    exact: bool,
) -> Pair | None:
    rows = list(zip(table[first, size], table[second, size], strict=True))
    means = [(_share(a, _score), _share(b, _score)) for a, b in rows]
    difference = bootstrap.estimate([None if a is None or b is None else a - b for a, b in means])
    if difference is None:
        return None
    pair = Pair(first=first, second=second, size=size, difference=difference)
    if not exact:
        return pair
    whole = [(a[0].score, b[0].score) for a, b in rows if a and b]
    only_first = sum(a == 1.0 and b == 0.0 for a, b in whole)
    only_second = sum(a == 0.0 and b == 1.0 for a, b in whole)
    return pair.model_copy(
        update={
            "only_first": only_first,
            "only_second": only_second,
            "p_value": mcnemar(only_first, only_second),
        }
    )


def _score(observation: Observation) -> float | None:
    return observation.score


def _orders(
    contenders: Sequence[Contender], table: Mapping[tuple[str, int], Rows], bootstrap: Bootstrap
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


def _order(
    name: str, size: int, table: Mapping[tuple[str, int], Rows], bootstrap: Bootstrap
) -> OrderCheck | None:
    rows = zip(table[name, size], table[f"{name}{SHUFFLED}", size], strict=True)
    firsts = [(a[0], b[0]) if a and b else None for a, b in rows]
    changed = bootstrap.estimate([_changed(pair) for pair in firsts])
    if changed is None:
        return None
    return OrderCheck(
        estimator=name,
        shuffled=f"{name}{SHUFFLED}",
        size=size,
        changed=changed,
        difference=bootstrap.estimate(
            [
                None
                if pair is None or pair[0].score is None or pair[1].score is None
                else pair[0].score - pair[1].score
                for pair in firsts
            ]
        ),
    )


def _changed(pair: tuple[Observation, Observation] | None) -> float | None:
    if pair is None or pair[0].failure is not None or pair[1].failure is not None:
        return None
    first, second = pair
    return float(first.answer_class != second.answer_class)


def _positions(
    contenders: Sequence[Contender], table: Mapping[tuple[str, int], Rows], bootstrap: Bootstrap
) -> tuple[PositionCheck, ...]:
    found: list[PositionCheck] = []
    size = max((size for _, size in table), default=0)
    for contender in contenders:
        rows = table.get((contender.name, size), ())
        followed = [
            bootstrap.estimate(
                [
                    float(row[0].followed[at]) if row and len(row[0].followed) > at else None
                    for row in rows
                ]
            )
            for at in range(size if rows and size > 1 else 0)
        ]
        there = tuple(each for each in followed if each is not None)
        if not contender.free and there:
            found.append(PositionCheck(estimator=contender.name, size=size, followed=there))
    return tuple(found)
