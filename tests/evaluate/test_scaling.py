"""The numbers of the table equal a count by hand."""

import pytest

import catsdk as cat
from catsdk.core.types import Failure, Provenance, Reference
from catsdk.evaluate.scaling import Outcome, Problem, Share, measure, summarise
from catsdk.testing import FunctionProvider


def outcome(gold: str, answers: str, references: dict[int, str | None]) -> Outcome:
    """A problem whose rollouts answer with one letter each; a reference `None` has failed."""
    group = cat.group_of("q", [f"\\boxed{{{answer}}}" for answer in answers])
    made = {
        size: Failure(kind="ServerError", message="x")
        if answer is None
        else Reference(text="", answer=answer, group=group, provenance=Provenance(method="m"))
        for size, answer in references.items()
    }
    return Outcome(Problem("q", gold), group, answers[0], made)


def test_the_table_equals_a_count_by_hand() -> None:
    scaling = summarise(
        [
            outcome("a", "aab", {3: "a"}),
            outcome("a", "bba", {3: "a"}),
            outcome("a", "bbb", {3: "a"}),
            outcome("a", "bcc", {3: None}),
        ]
    )
    (row,) = scaling.rows
    assert scaling.single.mean == pytest.approx((2 / 3 + 1 / 3 + 0 + 0) / 4)
    assert scaling.greedy.mean == 0.25
    assert (row.majority.mean, row.synthesis.mean, row.gain.mean) == (1 / 3, 1.0, 2 / 3)
    assert (row.overruled.mean, row.right_overruling.mean) == (2 / 3, 1.0)
    assert (row.rescued.mean, row.rescued.count) == (1 / 3, 3)
    assert scaling.failed == 1


def test_a_share_has_the_standard_error_of_its_mean() -> None:
    share = Share.of([1.0, 0.0, 1.0, 0.0])
    assert (share.mean, share.count) == (0.5, 4)
    assert share.error == pytest.approx((1 / 3) ** 0.5 / 2)


async def test_smaller_groups_are_the_first_rollouts_of_the_largest() -> None:
    policy = FunctionProvider(lambda request: [f"\\boxed{{{at}}}" for at in range(request.n)])
    anchor = FunctionProvider(lambda _: "\\boxed{0}")
    (seen,) = await measure([Problem("q", "0")], policy, anchor, sizes=(1, 2, 4))
    counts = [request.messages[-1].text.count("<attempt-") for request in anchor.requests]
    assert sorted(counts) == [1, 2, 4]
    assert summarise([seen]).rows[0].rescued.mean == 0.0
