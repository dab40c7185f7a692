"""Agreement statistics of judges, against values that are known."""

from __future__ import annotations

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.rubrics.kappa import agreement

pytest.importorskip("krippendorff")
pytest.importorskip("sklearn")
pytest.importorskip("statsmodels")

# Loading these libraries reads files and may warn; none of it happens inside an event loop.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_two_judges_by_hand() -> None:
    # Both yes 20, both no 15, first alone 5, second alone 10: raw 0.7, by chance 0.5, kappa 0.4.
    first = [True] * 20 + [False] * 15 + [True] * 5 + [False] * 10
    second = [True] * 20 + [False] * 15 + [False] * 5 + [True] * 10
    found = agreement({"a": first, "b": second})
    assert (found.items, found.complete) == (50, 50)
    assert found.raw == pytest.approx(0.7)
    assert found.cohen == {("a", "b"): pytest.approx(0.4)}


def test_krippendorff_s_published_example() -> None:
    # Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: 12 units, four
    # observers, missing data; nominal 0.743, interval 0.849, ordinal 0.815.
    x = None
    table = {
        "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, x, x, x],
        "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, x, 3],
        "C": [x, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, x],
        "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, x],
    }
    assert agreement(table).alpha == pytest.approx(0.743, abs=5e-4)
    assert agreement(table, level="interval").alpha == pytest.approx(0.849, abs=5e-4)
    assert agreement(table, level="ordinal").alpha == pytest.approx(0.815, abs=5e-4)


def test_fleiss_published_example() -> None:
    # Fleiss (1971) as worked on many pages: 10 items, 14 raters, 5 categories, kappa 0.210.
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    rows = [[c for c, count in enumerate(row) for _ in range(count)] for row in counts]
    table = {f"r{at}": [row[at] for row in rows] for at in range(14)}
    assert agreement(table).fleiss == pytest.approx(0.210, abs=5e-4)


def test_what_is_undefined_is_none_and_abstaining_is_not_an_answer() -> None:
    found = agreement({"a": [True, True, None], "b": [True, True, False]})
    assert (found.items, found.raw) == (2, 1.0)
    assert (found.cohen[("a", "b")], found.fleiss, found.alpha) == (None, None, None)


def test_one_judge_or_unequal_lists_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="two judges"):
        agreement({"a": [True]})
    with pytest.raises(InvalidInputError, match="two judges"):
        agreement({"a": [True], "b": [True, False]})
