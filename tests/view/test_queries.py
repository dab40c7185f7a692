"""Lists are filtered, searched, sorted and paged by the index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.view.filters import FILTERS
from catsdk.view.index import Index
from catsdk.view.outline import MadeOutline, Outline, voted
from catsdk.view.queries import Asked, counts, neighbours, page

SYNTHESIS = MadeOutline(
    estimator="synthesis", size=2, answer="4", score=1.0, departs=False, majority_score=1.0
)
PLAIN = Outline(
    id="plain", question="2+2?", gold=("4",), texts=("It is 4", "So 4"), answers=("4", "4"),
    grades=(1.0, 0.0), majority="4", agreement=1.0, made=(SYNTHESIS,),
)  # fmt: skip


def named(id: str, **changes: object) -> Outline:
    return replace(PLAIN, id=id, **changes)  # type: ignore[arg-type]


def made(**changes: object) -> tuple[MadeOutline, ...]:
    return (SYNTHESIS.model_copy(update=changes),)


PASSING = {
    "departs": named("departs", made=made(departs=True)),
    "gained": named("gained", made=made(score=1.0, majority_score=0.0)),
    "lost": named("lost", made=made(score=0.0, majority_score=1.0)),
    "rescued": named("rescued", made=made(score=1.0, all_wrong=True)),
    "wrong": named("wrong", made=made(score=0.5, majority_score=0.5)),
    "tied": named("tied", majority=None, agreement=0.5),
    "failed": named("failed", failure="Down: the model is down"),
    "unanswered": named("unanswered", answers=("4", None)),
    "unrewarded": named("unrewarded", rewards=(None, 1.0), rewarded=True),
    "flat": named("flat", grades=(1.0, 1.0)),
    "flips": named("flips", made=(SYNTHESIS, *made(estimator="other", score=0.0))),
    "dull": named("dull", dull_criteria=1),
    "partial": named("partial", partial=True),
    "doubted": named("doubted"),
}


@pytest.fixture
def index(index: Index) -> Index:
    index.add("run", [("place", PLAIN), *(("place", each) for each in PASSING.values())])
    index.label("run", [("doubted", "synthesis/2")])
    index.add("other", [("place", PLAIN)])
    return index


def found(index: Index, **asked: object) -> list[str]:
    wanted = Asked("run", contender="synthesis/2", **asked)  # type: ignore[arg-type]
    return [row["id"] for row in page(index, wanted)]


def test_each_filter_has_an_item_here() -> None:
    assert set(PASSING) == set(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_finds_what_it_says_and_not_what_is_plain(index: Index, name: str) -> None:
    ids = found(index, filters=(name,))
    assert name in ids and "plain" not in ids
    assert counts(index, Asked("run", contender="synthesis/2"))[1][name] == len(ids)


def test_an_item_must_pass_all_filters(index: Index) -> None:
    assert found(index, filters=("lost", "wrong")) == ["lost"]
    assert found(index, filters=("lost", "dull")) == []


@pytest.mark.parametrize(
    ("search", "expected"),
    [("2+2", 15), ("so it", 15), ("down", 1), ("model dow", 1), ("nowhere", 0), ('"; DROP', 0),
     ("2+2 nowhere", 0), ("4 * OR", 0), ("-- )", 15)],
)  # fmt: skip
def test_a_search_finds_words_and_their_beginnings_everywhere(
    index: Index, search: str, expected: int
) -> None:
    assert counts(index, Asked("run", search=search))[0] == expected


def test_an_item_that_changes_keeps_its_place_and_its_old_words_are_forgotten(
    index: Index,
) -> None:
    before = found(index)
    index.add("run", [("place", named("failed", failure="Late: too late"))])
    assert found(index) == before
    assert found(index, search="down") == []
    assert found(index, search="late") == ["failed"]


def test_what_is_unknown_comes_last_in_both_directions(index: Index) -> None:
    index.add("run", [("place", Outline(id="bare"))])
    for descending in (False, True):
        assert found(index, order="agreement", descending=descending)[-1] == "bare"
    assert found(index, order="agreement")[0] == "tied"


def test_pages_follow_each_other_without_a_gap(index: Index) -> None:
    pages = [found(index, order="score", offset=at, limit=5) for at in (0, 5, 10)]
    assert [id for page in pages for id in page] == found(index, order="score")


def test_neighbours_are_those_of_the_list_that_one_came_from(index: Index) -> None:
    asked = Asked("run", contender="synthesis/2", filters=("wrong",))
    assert neighbours(index, asked, "wrong") == {"before": "lost", "after": None, "at": 1, "of": 2}
    assert neighbours(index, asked, "plain") == {}


def test_unknown_filters_and_orders_are_refused_with_those_that_are_there() -> None:
    with pytest.raises(InvalidInputError, match=r"no filter 'x'; give one of departs"):
        Asked("run", filters=("x",))
    with pytest.raises(InvalidInputError, match=r"sorted by 'row; DROP TABLE item'"):
        Asked("run", order="row; DROP TABLE item")


def test_votes_that_were_not_written_down_are_counted_by_meaning() -> None:
    bare = Outline(
        id="a",
        answers=("1/2", "0.5", "3", None),
        made=(MadeOutline(estimator="x", size=3, answer="3"),),
    )
    filled = voted(bare)
    assert filled.majority == "1/2"
    assert filled.agreement == pytest.approx(2 / 3)
    assert filled.made[0].departs is True
    assert voted(filled) == filled
