"""A comparison ends after its steps, and remembers only what is decided."""

from __future__ import annotations

import pytest

from catsdk.answers.engine.cache import VerdictCache
from catsdk.answers.engine.limits import Budget, LimitReachedError
from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict

EQUAL = Verdict("equal", "exact")


def test_a_budget_ends_with_its_last_step() -> None:
    budget = Budget(5)
    budget.spend(5)
    with pytest.raises(LimitReachedError):
        budget.spend(1)


def test_what_is_lent_and_not_used_comes_back() -> None:
    budget = Budget(10)
    lent = budget.lend(8)
    assert budget.left == 2
    lent.spend(3)
    budget.take_back(lent)
    assert budget.left == 7
    assert budget.lend(100).left == 7


def test_a_loan_that_was_overdrawn_takes_nothing_more() -> None:
    budget = Budget(10)
    lent = budget.lend(4)
    with pytest.raises(LimitReachedError):
        lent.spend(5)
    budget.take_back(lent)
    assert budget.left == 6


def test_a_verdict_is_remembered_for_both_orders_and_its_options_alone() -> None:
    cache = VerdictCache()
    cache.put("1/2", "0.5", Options(), EQUAL)
    assert cache.get("0.5", "1/2", Options()) == EQUAL
    assert cache.get("1/2", "0.5", Options(relative=0.1)) is None
    cache.clear()
    assert cache.get("1/2", "0.5", Options()) is None


def test_an_open_verdict_and_a_long_text_are_not_remembered() -> None:
    cache = VerdictCache()
    cache.put("a", "b", Options(), Verdict("unknown"))
    cache.put("1" * 5_000, "1", Options(), EQUAL)
    assert cache.get("a", "b", Options()) is None
    assert cache.get("1" * 5_000, "1", Options()) is None


def test_the_oldest_pair_leaves_first() -> None:
    cache = VerdictCache(2)
    for text in ("1", "2", "3"):
        cache.put(text, text, Options(), EQUAL)
    assert cache.get("1", "1", Options()) is None
    assert cache.get("3", "3", Options()) == EQUAL
