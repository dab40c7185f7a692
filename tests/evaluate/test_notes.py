"""What a reader of a report is told about the items of an evaluation."""

from __future__ import annotations

from catsdk.evaluate.items import item_of
from catsdk.evaluate.notes import notes_on


def test_prompts_that_stand_twice_are_named_with_what_follows_for_the_intervals() -> None:
    items = [item_of(prompt, "1", id=f"q{at}") for at, prompt in enumerate(["a", "b", "a", "a"])]
    (note,) = notes_on(items, [], None, [])
    assert note.startswith("2 of 4 items repeat the prompt of another (q0, q2, q3).")
    assert "leave the repetitions out" in note


def test_different_known_answers_of_one_prompt_are_named() -> None:
    items = [item_of("a", "1", id="x"), item_of("b", "1", id="y"), item_of("a", "2", id="z")]
    repeats, disputed = notes_on(items, [], None, [])
    assert repeats.startswith("1 of 3 items repeats the prompt of another (x, z).")
    assert "different known answers (x, z)" in disputed
    # The same accepted answers in another order, or criteria alone, are no dispute.
    alike = [item_of("a", ["1", "2"], id="x"), item_of("a", ["2", "1"], id="z")]
    assert len(notes_on(alike, [], None, [])) == 1


def test_nothing_is_said_of_items_that_differ() -> None:
    assert notes_on([item_of("a", "1"), item_of("b", "1")], [], None, []) == []
