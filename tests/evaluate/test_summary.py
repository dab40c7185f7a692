"""The report equals a count by hand, and marks what is worth its price."""

from __future__ import annotations

import pytest

import catsdk as cat
from catsdk.core.types import Failure, Usage
from catsdk.estimators import Majority
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.items import item_of
from catsdk.evaluate.observations import Observation, Seen
from catsdk.evaluate.report import Report
from catsdk.evaluate.summary import summarise

pytest.importorskip("numpy")

FAILURE = Failure(kind="ServerError", message="down")


def contender(name: str, control: str | None = None) -> Contender:
    return Contender(name, Majority(), control=control)


def seen(at: int, scores: str, *observations: Observation) -> Seen:
    group = cat.group_of("q", ["\\boxed{a}"] * len(scores))
    return Seen(
        item=item_of("q", "a", id=str(at)),
        group=group,
        scores={index: float(score) for index, score in enumerate(scores)},
        observations=tuple(each.model_copy(update={"item": str(at)}) for each in observations),
    )


def observed(
    name: str, score: float | None, tokens: int = 10, draw: int = 0, **more: object
) -> Observation:
    usage = Usage(output_tokens=tokens, requests=1)
    plain = Observation(
        estimator=name, item="", size=2, draw=draw, score=score, answer="x", usage=usage
    )
    return plain.model_copy(update=more)


def report(*items: Seen, names: tuple[str, ...] = ("a", "b")) -> Report:
    contenders = [contender(name) for name in names]
    return summarise(items, contenders, title="t", data="d")


def test_points_pairs_and_pass_at_k_equal_a_count_by_hand() -> None:
    made = report(
        seen(0, "10", observed("a", 1.0), observed("b", 0.0, 30)),
        seen(1, "11", observed("a", 1.0), observed("b", 1.0, 30)),
        seen(2, "00", observed("a", 0.0), observed("b", 1.0, 30, departs=True, all_wrong=True)),
        seen(3, "00", observed("a", 1.0), observed("b", 0.0, 30, departs=False, all_wrong=True)),
    )
    a, b = made.point("a", 2), made.point("b", 2)
    assert a is not None and a.score is not None and a.score.mean == 0.75
    assert b is not None and b.score is not None and b.score.mean == 0.5
    assert a.tokens is not None and (a.tokens.mean, a.requests) == (10, 1)
    assert b.departs is not None and (b.departs.mean, b.departs.count) == (0.5, 2)
    assert b.right_departing is not None and b.right_departing.mean == 1.0
    assert b.rescued is not None and (b.rescued.mean, b.rescued.count) == (0.5, 2)
    (pair,) = made.pairs
    assert pair.difference.mean == 0.25
    assert (pair.only_first, pair.only_second) == (2, 1)
    # Three items differ: 2 (1 + 3) / 2^3, cut at 1.
    assert (pair.p_value, pair.p_holm) == (1.0, 1.0)
    assert made.single is not None and made.single.mean == pytest.approx((0.5 + 1) / 4)
    assert [each.share.mean for each in made.pass_at] == [0.375, 0.5]


def test_sub_samples_are_averaged_within_an_item_before_the_mean_over_items() -> None:
    made = report(
        seen(0, "10", observed("a", 1.0), observed("a", 0.0, 20, draw=1)),
        seen(1, "10", observed("a", 0.0)),
    )
    point = made.point("a", 2)
    assert point is not None and point.score is not None and point.tokens is not None
    assert (point.score.mean, point.score.count, point.draws) == (0.25, 2, 2)
    assert point.tokens.mean == 12.5


def test_failures_abstentions_and_ungraded_answers_are_told_apart() -> None:
    made = report(
        seen(0, "1", observed("a", 1.0)),
        seen(1, "1", observed("a", None, failure=FAILURE, answer=None)),
        seen(2, "1", observed("a", None, ungraded=FAILURE)),
        seen(3, "1", observed("a", 0.0, answer=None)),
    )
    point = made.point("a", 2)
    assert point is not None and point.score is not None
    assert (point.failed, point.ungraded, point.abstained) == (1, 1, 1)
    # The failed and the ungraded item are in no mean; the abstention is not right.
    assert (point.score.mean, point.score.count) == (0.5, 2)
    assert made.failures == {"a: ServerError": 1}


def test_ties_and_silent_rollouts_are_counted() -> None:
    silent = seen(1, "1", observed("a", 1.0, tied=False))
    rollouts = tuple(r.model_copy(update={"answer": None}) for r in silent.group.rollouts)
    silent = silent.model_copy(
        update={"group": silent.group.model_copy(update={"rollouts": rollouts})}
    )
    made = report(seen(0, "1", observed("a", 1.0, tied=True), observed("b", 1.0)), silent)
    a, b = made.point("a", 2), made.point("b", 2)
    assert a is not None and a.tied is not None and (a.tied.mean, a.tied.count) == (0.5, 2)
    assert b is not None and b.tied is None
    assert made.silent_rollouts == 1


def test_the_frontier_has_what_no_cheaper_point_is_as_good_as() -> None:
    items = [
        seen(
            0, "1", *[observed(n, s, t) for n, s, t in zip("abcd", SCORES_0, TOKENS, strict=True)]
        ),
        seen(
            1, "1", *[observed(n, s, t) for n, s, t in zip("abcd", SCORES_1, TOKENS, strict=True)]
        ),
    ]
    made = report(*items, names=("a", "b", "c", "d"))
    # a: 0.5 for 10; b: 0.5 for 20; c: 1.0 for 30; d: 1.0 for 30 as well.
    assert [point.estimator for point in made.points if point.on_frontier] == ["a", "c"]


SCORES_0, SCORES_1, TOKENS = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0), (10, 20, 30, 30)


def test_a_control_is_never_on_the_frontier() -> None:
    items = [seen(0, "1", observed("a", 1.0, 1), observed("b", 1.0, 5))]
    made = summarise(items, [contender("a", control="all"), contender("b")], title="t", data="d")
    assert [point.estimator for point in made.points if point.on_frontier] == ["b"]


def test_another_order_that_changes_answers_is_told_with_the_positions_followed() -> None:
    first = observed("a", 1.0, answer_class=0, followed=(True, False))
    made = report(
        seen(0, "10", first, observed("a+shuffled", 0.0, answer_class=1)),
        seen(1, "10", first, observed("a+shuffled", 1.0, answer_class=0)),
        names=("a", "a+shuffled"),
    )
    (order,) = made.orders
    assert (order.estimator, order.changed.mean) == ("a", 0.5)
    assert order.difference is not None and order.difference.mean == 0.5
    (position,) = made.positions
    assert [each.mean for each in position.followed] == [1.0, 0.0]


def test_an_unknown_price_is_unknown_in_the_mean() -> None:
    known = observed("a", 1.0).model_copy(update={"usage": Usage(cost=0.5, requests=1)})
    unknown = observed("a", 1.0).model_copy(update={"usage": Usage(cost=None, requests=1)})
    mixed = report(seen(0, "1", known), seen(1, "1", unknown)).point("a", 2)
    priced = report(seen(0, "1", known), seen(1, "1", known)).point("a", 2)
    assert mixed is not None and mixed.cost is None
    assert priced is not None and priced.cost == 0.5
