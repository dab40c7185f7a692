"""Rows become groups by their position alone, and rows that make no groups are refused."""

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


@pytest.mark.parametrize("other", ["5", ["4", "5"], None, float("nan")])
def test_a_group_with_several_known_answers_is_refused_by_name(other: object) -> None:
    columns = {"gold": ["1", "1", "4", other]}
    with pytest.raises(
        InvalidInputError, match="several known answers in the column 'gold', .*'4'"
    ):
        groups_of(["p", "p", "q", "q"], ["a"] * 4, columns, 2, golds=["gold"])
    one = groups_of(["q"] * 2, ["a"] * 2, {"gold": [other, other]}, 2, golds=["gold"])
    assert list(one[0][1]) == ["gold"]


def test_what_differs_within_a_group_is_not_its_row_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    columns: dict[str, list[object]] = {"source": ["x", "x"], "seconds": [1.0, 2.0]}
    ((_, row),) = groups_of(["q"] * 2, ["a"] * 2, columns, 2, golds=["gold"])
    assert row == {"source": "x"}
    assert "do not see the columns seconds: their values differ within a group" in caplog.text


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
