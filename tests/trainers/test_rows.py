"""Rows become groups by their position alone, and rows that make no groups are refused."""

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.rows import groups_of, text_of

CHAT = [{"role": "user", "content": "2+2"}]


def test_two_groups_of_one_prompt_stay_two_groups() -> None:
    groups = groups_of(["q"] * 4, ["a", "b", "c", "d"], {"uid": [1, 1, 2, 2]}, 2)
    assert [[r.text for r in group.rollouts] for group, _ in groups] == [["a", "b"], ["c", "d"]]
    assert [row for _, row in groups] == [{"uid": 1}, {"uid": 2}]


def test_conversations_keep_their_messages_and_answers_are_found() -> None:
    said = [[{"role": "assistant", "content": f"\\boxed{{{at}}}"}] for at in range(2)]
    ((group, _),) = groups_of([CHAT] * 2, said, {}, 2)
    assert group.question == "2+2"
    assert [rollout.answer for rollout in group.rollouts] == ["0", "1"]


@pytest.mark.parametrize(
    ("prompts", "size", "told"),
    [
        (["q"] * 5, 2, "5 rows do not make groups of 2.*multiple of num_generations"),
        (["q", "p"], 2, "holds several prompts, the first of them 'q'"),
    ],
)
def test_rows_that_make_no_groups_are_refused(prompts: list[str], size: int, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        groups_of(prompts, ["x"] * len(prompts), {}, size)


def test_a_message_without_content_is_an_empty_text() -> None:
    assert text_of([{"role": "assistant", "content": None}]) == ""
