"""The written cases that need a worker process hold in both orders, and no bounded tier errs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catsdk.answers.compare import compare_sync, same
from catsdk.answers.engine.symbolic.decide import close_workers
from tests.answers.test_cases import PATIENT, Case, cases_in

CASES = cases_in(Path(__file__).parent / "cases.txt")


@pytest.fixture(scope="module", autouse=True)
def no_worker_is_left() -> Iterator[None]:
    yield
    close_workers()


def _wrong(case: Case) -> list[str]:
    left, right, outcome = case
    found = compare_sync(left, right, PATIENT), compare_sync(right, left, PATIENT)
    if all(verdict.outcome == outcome for verdict in found):
        return []
    first, second = found
    return [f"{left} and {right}: {first.outcome} / {second.outcome} ({first.detail})"]


def test_each_case_holds_in_both_orders() -> None:
    assert [line for case in CASES for line in _wrong(case)] == []


def test_the_bounded_tiers_alone_leave_a_case_open_or_decide_it_as_written() -> None:
    wrong = [
        f"{left} and {right}: {verdict.outcome}"
        for left, right, outcome in CASES
        for verdict in (same(left, right), same(right, left))
        if verdict.outcome not in (outcome, "unknown")
    ]
    assert wrong == []
