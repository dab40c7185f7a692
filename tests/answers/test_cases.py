"""The written cases: each line of `cases/*.txt` holds in both orders, under the default options."""

from dataclasses import replace
from pathlib import Path

import pytest

from catsdk.answers.compare import same
from catsdk.answers.options import DEFAULT
from catsdk.answers.verdict import Outcome

FOLDER = Path(__file__).parent / "cases"
SIGNS: dict[str, Outcome] = {" ≡ ": "equal", " ≢ ": "different", " ≟ ": "unknown"}

# What a worker finds is tested, not how soon: two seconds may be short on a loaded machine.
PATIENT = replace(DEFAULT, seconds=60.0)

Case = tuple[str, str, Outcome]


def cases_in(page: Path) -> list[Case]:
    found: list[Case] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        sign = next(sign for sign in SIGNS if sign in line)
        left, right = line.split(sign)
        found.append((left, right, SIGNS[sign]))
    return found


PAGES = {page.stem: cases_in(page) for page in sorted(FOLDER.glob("*.txt"))}


@pytest.mark.parametrize("kind", PAGES)
def test_each_written_case_holds_in_both_orders(kind: str) -> None:
    wrong = [
        f"{left!r} and {right!r}: {one.outcome} / {other.outcome} ({one.detail}), not {outcome}"
        for left, right, outcome in PAGES[kind]
        for one, other in [(same(left, right), same(right, left))]
        if (one.outcome, other.outcome) != (outcome, outcome)
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", sorted(set(PAGES) - {"unknown"}))
def test_each_answer_of_the_cases_equals_itself(kind: str) -> None:
    answers = {answer for left, right, _ in PAGES[kind] for answer in (left, right)}
    assert [answer for answer in answers if same(answer, answer).outcome != "equal"] == []


def test_there_are_at_least_400_cases() -> None:
    assert sum(map(len, PAGES.values())) >= 400
