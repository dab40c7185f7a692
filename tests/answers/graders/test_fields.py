"""Two JSON objects are compared field by field: by value, by meaning, and never by guessing."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from catsdk.answers import Answers, ExactMatch, FieldGrader, Verdict
from catsdk.answers.graders.fields import MAX_STEPS

STRING: dict[str, Any] = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "$defs": {"Place": {"type": "object", "properties": {"code": {**STRING, "pattern": "^\\d+$"}}}},
    "properties": {
        "tags": {"type": "array", "items": STRING, "uniqueItems": True},
        "day": {"anyOf": [{**STRING, "format": "date"}, {"type": "null"}]},
        "place": {"$ref": "#/$defs/Place"},
        "kind": {"enum": ["x1", "X1"]},
    },
}
PAIRS: list[tuple[str, str, str]] = [
    ('{"a": 1.0}', '{"a": 1}', "equal"),
    ('{"a": 1e2, "b": []}', '{"b": [], "a": 100}', "equal"),
    ('{"a": 0.333333}', '{"a": 0.33333333}', "equal"),
    ('{"a": 1}', '{"a": 2}', "different"),
    ('{"a": 123456789012345678901}', '{"a": 123456789012345678902}', "different"),
    ('{"a": 1}', '{"a": true}', "different"),
    ('{"a": 1}', '{"a": "1"}', "equal"),
    ('{"a": null}', '{"a": false}', "different"),
    ('{"a": null}', "{}", "different"),
    ('{"a": {"b": 1}}', '{"a": 1}', "different"),
    ('{"a": [1]}', '{"a": 1}', "different"),
    ('{"a": "b"}', '{"a": null}', "different"),
    ('{"a": 1}', '{"b": 1}', "different"),
    ('{"a": "Le  Caire"}', '{"a": "le caire "}', "equal"),
    ('{"a": ""}', '{"a": " "}', "equal"),
    ('{"a": ""}', '{"a": "b"}', "different"),
    ('{"a": "\\\\frac{1}{2}"}', '{"a": "0.5"}', "equal"),
    ('{"a": [1, 2]}', '{"a": [2, 1]}', "different"),
    ('{"a": [1, 2]}', '{"a": [1, 2, 3]}', "different"),
    ('{"a": {"b": [{"c": 1.50}]}}', '{"a": {"b": [{"c": 1.5}]}}', "equal"),
    # To algebra these are products and numbers; in a field they are not.
    ('{"a": "ab"}', '{"a": "ba"}', "unknown"),
    ('{"a": "007"}', '{"a": "7"}', "different"),
    ('{"a": "+49 123"}', '{"a": "49 123"}', "different"),
    ('{"a": "New York"}', '{"a": "New York City"}', "unknown"),
    # One field that is different decides, also beside one that cannot be told.
    ('{"a": "New York", "b": 1}', '{"a": "New York City", "b": 2}', "different"),
    ('{"a": "New York", "b": 1}', '{"a": "New York City", "b": 1}', "unknown"),
    ('{"tags": ["b", "A"]}', '{"tags": ["a", "b"]}', "equal"),
    ('{"tags": ["a", "c"]}', '{"tags": ["a", "1"]}', "different"),
    ('{"tags": ["a", "b", "c"]}', '{"tags": ["c", "a", "b"]}', "equal"),
    # Each member meets one of its own, and what cannot be told leaves its place to others.
    ('{"tags": ["a", "a", "b"]}', '{"tags": ["a", "b", "b"]}', "different"),
    ('{"tags": ["New York", "a"]}', '{"tags": ["New York City", "a"]}', "unknown"),
    ('{"tags": ["New York", "1"]}', '{"tags": ["New York City", "2"]}', "different"),
    ('{"place": {"code": "10"}}', '{"place": {"code": "10.0"}}', "different"),
    ('{"day": "2024-01-02"}', '{"day": "2024-01-2"}', "different"),
    ('{"kind": "x1"}', '{"kind": "X1"}', "different"),
]


@pytest.mark.parametrize(("answer", "reference", "outcome"), PAIRS)
async def test_fields_are_compared_by_what_they_say(
    answer: str, reference: str, outcome: str
) -> None:
    grader = FieldGrader(schema=SCHEMA).bounded
    assert (await grader.grade(answer, reference)).outcome == outcome
    assert (await grader.grade(reference, answer)).outcome == outcome
    assert (await grader.grade(answer, answer)).outcome == "equal"


async def test_a_verdict_says_which_field_it_rests_on() -> None:
    grader = FieldGrader()
    verdict = await grader.grade('{"a": {"b": [1, 2]}}', '{"a": {"b": [1, 3]}}')
    assert (verdict.outcome, verdict.detail) == ("different", "a.b[1]")


@pytest.mark.parametrize(
    ("answer", "reference", "cause"),
    [("so", "{}", "unparseable"), ("{}", "so", "reference unparseable")],
)
async def test_what_is_no_json_is_unknown(answer: str, reference: str, cause: str) -> None:
    verdict = await FieldGrader().grade(answer, reference)
    assert (verdict.outcome, verdict.cause) == ("unknown", cause)


async def test_no_reply_makes_a_comparison_endless() -> None:
    one, other = ([f"word {letter}{at}" for at in range(3_000)] for letter in "ab")
    verdict = await FieldGrader(ExactMatch()).grade(
        json.dumps({"a": one}), json.dumps({"a": other})
    )
    assert verdict.outcome == "different"

    grader = _Undecided()
    verdict = await FieldGrader(grader).grade(json.dumps({"a": one}), json.dumps({"a": other}))
    assert verdict.outcome == "unknown"
    assert grader.asked == 200


class _Undecided:
    """Decides nothing, and counts how often it is asked."""

    asked = 0

    async def grade(self, answer: str, reference: str) -> Verdict:
        self.asked += 1
        return Verdict("unknown", cause="undecided")


async def test_a_comparison_ends_at_its_last_step_and_not_before() -> None:
    # The object and its list are steps, too.
    most = MAX_STEPS - 2
    for count, outcome in ((most, "equal"), (most + 1, "unknown")):
        text = json.dumps({"a": [None] * count})
        assert (await FieldGrader().grade(text, f"{text} ")).outcome == outcome


async def test_a_field_that_is_undecided_lets_the_next_ones_decide() -> None:
    grader = _Undecided()
    one, other = '{"a": "b", "c": "d", "e": 1}', '{"a": "f", "c": "g", "e": null}'
    assert (await FieldGrader(grader).grade(one, other)).outcome == "different"
    assert grader.asked == 2
    # One that ended at the bound ends the whole.
    grader = _Undecided()
    longer = {"a": [None] * MAX_STEPS, "b": "c"}
    verdict = await FieldGrader(grader).grade(json.dumps(longer), json.dumps({**longer, "b": "d"}))
    assert (verdict.cause, grader.asked) == ("limit", 0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1e100", "10e99", True),
        ("1e101", "10e100", False),
        (f"1.{'0' * 98}", "1", True),
        (f"1.{'0' * 99}", "1", False),
        ("0e12345", "0", False),
    ],
)
async def test_numbers_are_computed_with_up_to_their_bounds(
    one: str, other: str, same: bool
) -> None:
    grader = _Undecided()
    verdict = await FieldGrader(grader).grade(f'{{"a": {one}}}', f'{{"a": {other}}}')
    assert (verdict.outcome, grader.asked) == (("equal", 0) if same else ("unknown", 1))


async def test_no_set_makes_a_comparison_endless() -> None:
    schema: dict[str, Any] = {"properties": {"a": {"uniqueItems": True}}}
    one, other = (json.dumps({"a": [*range(at, at + 20_000)]}) for at in (0, 20_000))
    with anyio.fail_after(5):
        verdict = await FieldGrader(schema=schema).grade(one, other)
    assert verdict.outcome in {"unknown", "different"}


async def test_votes_put_equal_objects_into_one_class_and_unknown_ones_apart() -> None:
    answers = Answers(grader=FieldGrader())
    votes = await answers.votes(
        ['{"a": 1}', None, '{"a": 1.0}', '{"a": "New York"}', '{"a": "New York City"}']
    )
    assert votes.classes == ((0, 2), (3,), (4,))
    assert votes.abstained == (1,)
