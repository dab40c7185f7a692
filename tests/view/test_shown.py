"""What screens say of a group: clusters, support, verdicts with quotes, comparisons, costs."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.types import Call, Failure, Group, Provenance, Reference, Rollout, Usage, Verdict
from catsdk.rubrics import loads
from catsdk.testing import FunctionProvider
from catsdk.view.entry import Entry, Made, entry_of
from catsdk.view.index import Index
from catsdk.view.outline import MadeOutline, Outline
from catsdk.view.shown.clusters import clusters_of
from catsdk.view.shown.comparison import Side, compared
from catsdk.view.shown.money import money_of
from catsdk.view.shown.pieces import Mark, pieces_of, spans_of_quote
from catsdk.view.shown.support import support_of
from catsdk.view.shown.training import curves_of
from catsdk.view.shown.verdicts import matrices_of


def group_of(*texts: str) -> Group:
    return cat.group_of("2+2?", texts)


def supported(reference: str, *texts: str) -> list[tuple[list[int], list[int]]]:
    parts = support_of(reference, group_of(*texts).rollouts)["parts"]
    return [(part["supports"], part["contradicts"]) for part in parts]


@pytest.mark.parametrize(
    ("reference", "supporting", "contradicting", "others"),
    [
        (
            "12 + 34 = 46",
            ["12+34 = 46", "34 + 12 = 46"],
            ["12 + 34 = 47"],
            ["12 + 35 = 47"],
        ),
        ("c7: 8+2=10", [], ["c7: 2+8=9"], []),
        (r"\boxed{46}", [], [r"\boxed{47}"], [r"so \boxed{46}"]),
        (
            "The train arrives at 9.",
            ["the train arrives at 9"],
            ["The train arrives at 10."],
            [],
        ),
        (
            "It is safe to eat raw.",
            [],
            ["It is not safe to eat raw."],
            ["Dogs bark at night."],
        ),
        ("x is 4", [], ["x is 5"], []),
        ("There are 3 of 4.", [], ["There are 4 of 3."], []),
    ],
)
def test_a_statement_is_supported_contradicted_or_not_mentioned(
    reference: str, supporting: list[str], contradicting: list[str], others: list[str]
) -> None:
    texts = [*supporting, *contradicting, *others]
    ((supports, contradicts),) = supported(reference, *texts)
    assert [texts[at] for at in supports] == supporting
    assert [texts[at] for at in contradicts] == contradicting


def test_a_rollout_that_says_it_right_somewhere_contradicts_nothing() -> None:
    assert supported("12 + 34 = 46", "12 + 34 = 47\nNo.\n12 + 34 = 46") == [([0], [])]


def test_pieces_hold_the_whole_text_and_nothing_else() -> None:
    text = "First 1 = 2.\n\n<b>Then</b> 3 = 4. \U0001f600 End"
    told = support_of("1 = 2. 3 = 5", group_of(text).rollouts)
    assert "".join(piece["text"] for piece in told["rollouts"][0]) == text
    kinds = {piece.get("kind") for piece in told["rollouts"][0]}
    assert "contradicts" not in kinds or kinds >= {None}
    marks = [Mark(0, 3, "a"), Mark(2, 5, "b"), Mark(5, 5, "c")]
    assert pieces_of("abcdef", marks) == [
        {"text": "abc", "kind": "a", "about": -1}, {"text": "def"}
    ]  # fmt: skip
    assert pieces_of("", []) == [{"text": ""}]


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("the rain", "It is The  Rain.", ["The  Rain"]),
        ("“it rains”", "Now it rains.", ["it rains"]),
        ("it's", "it\u2019s here", ["it\u2019s"]),
        ("first ... last", "first of all the last", ["first", "last"]),
        ("last ... first", "first of all the last", []),
        ("a.b (c)", "see a.b (c)", ["a.b (c)"]),
        ("nowhere", "It is the rain.", []),
        ("", "It is the rain.", []),
    ],
)
def test_a_quote_is_found_where_it_stands(quote: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in spans_of_quote(quote, text)] == found


def test_answers_are_clustered_by_meaning_beside_the_reference() -> None:
    said = ("1/2", "0.5", "3", None)
    group = group_of(*(f"a{at}" for at in range(4)))
    rollouts = tuple(
        Rollout(index=at, completion=r.completion, answer=said[at])
        for at, r in enumerate(group.rollouts)
    )
    reference = Reference(
        text="0.50", answer="0.50", group=group, provenance=Provenance(method="synthesis")
    )
    entry = Entry(
        id="a",
        group=group.model_copy(update={"rollouts": rollouts}),
        grades={0: 1.0, 1: 1.0, 2: 0.0},
    )
    told = clusters_of(entry, Made(estimator="synthesis", size=4, reference=reference))
    first, second = told["clusters"]
    assert (first["rollouts"], first["right"], first["is_reference"]) == ([0, 1], True, True)
    assert (second["rollouts"], second["right"], second["is_reference"]) == ([2], False, False)
    assert (told["unanswered"], told["majority"], told["cast"]) == ([3], "1/2", 3)


def judged() -> Entry:
    rubric = loads("criteria: [Names the rain., Names rain, Is brief.]")
    ids = [criterion.id for criterion in rubric.criteria]
    failure = Failure(kind="Refused", message="no")

    def score(index: int, *met: bool | None) -> cat.Score:
        verdicts = tuple(
            Verdict(
                criterion_id=id, met=each, evidence="the rain" if each else None,
                failure=failure if each is None else None,
            )
            for id, each in zip(ids, met, strict=True)
        )  # fmt: skip
        return cat.Score(index=index, value=None if None in met else 1.0, verdicts=verdicts)

    group = group_of("It is the rain.", "Because.")
    scores = (score(0, True, True, None), score(1, True, False, True))
    return Entry(id="a", group=group, rubrics=(rubric,), scores=scores)


def test_a_matrix_tells_dull_and_twin_criteria_and_why_verdicts_are_missing() -> None:
    (matrix,) = matrices_of(judged())
    assert [row["tells_apart"] for row in matrix["rows"]] == [False, True, False]
    assert matrix["missing"] == {"Refused": 1}
    assert matrix["twins"] == [[matrix["rows"][0]["id"], matrix["rows"][1]["id"]]]
    assert judged().outline.dull_criteria == 1
    quoted = matrix["rows"][0]["cells"][0]
    assert [p["text"] for p in quoted["pieces"] if p.get("kind") == "quote"] == ["the rain"]
    lost = matrix["rows"][0]["cells"][1]
    assert (lost["found"], lost["pieces"], lost["evidence"]) == (False, None, "the rain")


def test_verdicts_without_a_rubric_are_shown_by_the_names_of_their_criteria() -> None:
    (matrix,) = matrices_of(judged().model_copy(update={"rubrics": ()}))
    assert {row["text"] for row in matrix["rows"]} == {row["id"] for row in matrix["rows"]}


def graded(id: str, **right: bool) -> Outline:
    made = (
        MadeOutline(estimator=name, size=8, answer="1", score=float(score))
        for name, score in right.items()
    )
    return Outline(id=id, gold=("1",), made=tuple(made))


def test_two_sides_are_joined_by_item_flips_first_with_the_corrected_test(index: Index) -> None:
    outlines = [graded(f"both{at}", a=True, b=True, c=True) for at in range(3)]
    outlines += [graded(f"only-b{at}", a=False, b=True, c=False) for at in range(6)]
    index.add("run", [("", each) for each in outlines])
    told = compared(index, Side("run", "a/8"), Side("run", "b/8"), show="all")
    assert (told["items"], told["both"], told["only_left"], told["only_right"]) == (9, 3, 0, 6)
    assert told["p_value"] == pytest.approx(2 / 2**6)
    assert told["comparisons"] == 3
    assert told["p_holm"] == pytest.approx(3 * 2 / 2**6)
    assert told["rows"][0]["id"].startswith("only-b")
    flips = compared(index, Side("run", "a/8"), Side("run", "b/8"))
    assert flips["total"] == 6
    turned = compared(index, Side("run", "b/8"), Side("run", "a/8"), show="lost")
    assert (turned["total"], turned["only_left"], turned["p_holm"]) == (6, 6, told["p_holm"])


def test_two_runs_are_compared_on_the_items_of_both(index: Index) -> None:
    index.add("one", [("", graded(id, a=True)) for id in ("x", "y")])
    index.add("two", [("", graded(id, a=False)) for id in ("y", "z")])
    told = compared(index, Side("one", "a/8"), Side("two", "a/8"))
    assert (told["items"], told["only_left"], told["comparisons"]) == (1, 1, 1)
    assert [row["id"] for row in told["rows"]] == ["y"]


def test_calls_that_estimators_share_are_counted_once() -> None:
    call = Call(stage="synthesize", model="m", usage=Usage(requests=1, input_tokens=5), latency=1.5)
    reference = Reference(
        text="4", group=group_of(), provenance=Provenance(method="x"), calls=(call, call)
    )
    made = tuple(Made(estimator=name, size=8, reference=reference) for name in ("a", "b"))
    (row,) = money_of([Entry(id="a", made=made)])["stages"]
    assert (row["calls"], row["input"], row["seconds"]) == (2, 10, 3.0)


async def test_a_result_is_shown_with_every_call_once() -> None:
    policy = FunctionProvider(lambda request: [r"\boxed{4}"] * request.n)
    c = cat.CaT(policy, estimator=cat.Majority(), reward=cat.AnswerReward())
    result = await c.run("2+2?", n=3)
    entry = entry_of(result, "a")
    assert len(entry.all_calls) == result.usage.requests
    assert entry.outline.rewarded and entry.outline.flat


def test_curves_leave_out_what_was_not_logged() -> None:
    history: list[dict[str, Any]] = [
        {"step": 1, "reward": 0.5}, {"step": 2, "reward": None}, {"step": 3, "reward": 0.7},
        {"reward": 0.1},
    ]  # fmt: skip
    (curve,) = curves_of(history)
    assert curve["points"] == [[1, 0.5], [3, 0.7]]


def test_cancelled_copies_and_failures_are_counted_apart_and_what_came_from_the_cache() -> None:
    def call(kind: str | None) -> Call:
        failure = None if kind is None else Failure(kind=kind, message="so it was")
        return Call(
            stage="sample", model="m", usage=Usage(requests=1), latency=1.0, failure=failure
        )

    drawn = cat.group_of("2+2?", ["4", "5"])
    first = drawn.rollouts[0]
    kept = first.model_copy(
        update={"completion": first.completion.model_copy(update={"cached": True})}
    )
    calls = (call(None), call("Cancelled"), call("OverloadedError"))
    group = drawn.model_copy(update={"rollouts": (kept, drawn.rollouts[1]), "calls": calls})
    told = money_of([Entry(id="a", group=group)])
    (row,) = told["stages"]
    assert (row["calls"], row["failed"], row["cancelled"], told["kept"]) == (3, 1, 1, 1)
