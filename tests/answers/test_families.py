"""Families of answers that a policy could game: each line holds in both orders, by all tiers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catsdk.answers.compare import compare_sync, same
from catsdk.answers.engine.symbolic import close_workers
from catsdk.answers.verdict import Outcome
from tests.answers.test_cases import PATIENT

FOLDER = Path(__file__).parent / "families"
# `≉` stands for "does not assert it": different or unknown, and never equal.
SIGNS: dict[str, set[Outcome]] = {
    " ≉ ": {"different", "unknown"},
    " ≡ ": {"equal"},
    " ≢ ": {"different"},
    " ≟ ": {"unknown"},
}
FAMILIES = sorted(FOLDER.glob("*.txt"))


@pytest.fixture(autouse=True, scope="module")
def workers() -> Iterator[None]:
    """End the workers after these tests."""
    yield
    close_workers()


def _cases(page: Path) -> list[tuple[str, str, set[Outcome]]]:
    found: list[tuple[str, str, set[Outcome]]] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            sign = next(sign for sign in SIGNS if sign in line)
            left, right = line.split(sign)
            found.append((left, right, SIGNS[sign]))
    return found


@pytest.mark.parametrize("page", FAMILIES, ids=lambda page: page.stem)
def test_each_line_of_a_family_holds_in_both_orders(page: Path) -> None:
    wrong = [
        f"{left!r} and {right!r}: {outcomes}"
        for left, right, allowed in _cases(page)
        for outcomes in [
            {compare_sync(*pair, PATIENT).outcome for pair in ((left, right), (right, left))}
            | ({same(left, right).outcome, same(right, left).outcome} - {"unknown"})
        ]
        if not outcomes <= allowed
    ]
    assert wrong == []


def test_there_are_families_of_many_members() -> None:
    assert len(FAMILIES) >= 9
    assert sum(len(_cases(page)) for page in FAMILIES) >= 400
