"""Rows become groups by their position alone, and rows that make no groups are refused."""

from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.data.groups import groups_of

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


@pytest.mark.parametrize("answers", [["4", "5"], ["4", None], [["4"], ["4", "5"]], [4, 5]])
def test_two_known_answers_in_one_group_are_refused(answers: list[object]) -> None:
    with pytest.raises(InvalidInputError, match="two known answers in the column 'answer'"):
        groups_of(["q"] * 2, ["a", "b"], {"answer": answers}, 2)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_known_answer_that_all_rows_of_a_group_lack_is_no_second_one(missing: object) -> None:
    columns = {"answer": [missing, float(str(missing)) if missing else None]}
    ((_, row),) = groups_of(["q"] * 2, ["a", "b"], columns, 2)
    assert list(row) == ["answer"]


def test_other_columns_may_differ_in_a_group_and_other_known_columns_may_not() -> None:
    columns = {"answer": ["4", "4"], "note": ["a", "b"], "gold": ["1", "2"]}
    assert len(groups_of(["q"] * 2, ["a", "b"], columns, 2)) == 1
    with pytest.raises(InvalidInputError, match="'gold': '1' and '2'"):
        groups_of(["q"] * 2, ["a", "b"], columns, 2, known=["answer", "gold"])


CALL = {"role": "assistant", "content": "", "tool_calls": [{"name": "calc"}]}


def told(*messages: object) -> str | None:
    """The answer of a rollout that consists of `messages`."""
    ((group, _),) = groups_of([CHAT], [list(messages)], {}, 1)
    return group.rollouts[0].answer


def said(words: object) -> dict[str, object]:
    return {"role": "assistant", "content": words}


def test_what_a_tool_says_is_never_the_policys_answer() -> None:
    tool = {"role": "tool", "name": "calc", "content": "\\boxed{7}"}
    assert told(CALL, tool, said("I do not know.")) is None
    assert told(CALL, tool, said("The answer is 42.")) == "42"
    assert (
        told(CALL, {"role": "user", "content": "Is it \\boxed{7}?"}, said("It is \\boxed{42}."))
        == "42"
    )


def test_a_message_whose_content_is_missing_or_none_says_nothing() -> None:
    silent = {"role": "assistant", "tool_calls": [{"name": "calc"}]}
    assert told(silent) is None
    assert told(silent | {"content": None}, said("The answer is 42.")) == "42"


def test_the_parts_of_a_content_are_read_as_its_text() -> None:
    parts = [{"type": "text", "text": "The answer "}, {"type": "text", "text": "is 42."}]
    assert told(said([*parts, {"type": "image", "url": "https://example.org/a.png"}])) == "42"


def test_thinking_of_each_message_is_kept_apart() -> None:
    first, last = said("<think>\\boxed{7}</think>I ask."), said("<think>\\boxed{8}")
    ((group, _),) = groups_of([CHAT], [[first, last]], {}, 1)
    (rollout,) = group.rollouts
    assert (rollout.text, rollout.answer) == ("I ask.", None)
    assert rollout.completion.reasoning == "\\boxed{7}\n\\boxed{8}"


def test_a_completion_that_was_cut_has_no_answer_that_its_end_may_have_cut() -> None:
    texts = ["The answer is 42", "The answer is 42. It"]
    ids = {"completion_ids": [[0] * 9, [0] * 9]}
    for most, answers in ((9, [None, "42"]), (10, ["42", "42"])):
        ((group, _),) = groups_of(["q"] * 2, texts, ids, 2, most_tokens=most)
        assert [rollout.answer for rollout in group.rollouts] == answers


def test_a_completion_that_is_neither_text_nor_messages_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="a completion is 7; give a text, or messages"):
        groups_of(["q"], [7], {}, 1)


def test_the_tokens_of_tools_are_not_the_policys() -> None:
    said: list[dict[str, Any]] = [
        {"role": "assistant", "content": "a" * 60, "tool_calls": []},
        {"role": "tool", "content": "t" * 240},
        {"role": "assistant", "content": "b" * 60},
    ]
    alone = [said[0]]
    ids = {"completion_ids": [[1] * 100, [1] * 100, [1] * 100]}
    ((group, _),) = groups_of([CHAT] * 3, [said, alone, "a text"], ids, 3)
    used = [rollout.completion.usage for rollout in group.rollouts]
    assert 40 < used[0].output_tokens < 60 and used[0].estimated == 1
    assert [(each.output_tokens, each.estimated) for each in used[1:]] == [(100, 0), (100, 0)]
