"""Rows are read from files, lists and data sets, and come in an order that can be resumed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

datasets = pytest.importorskip("datasets")
pytest.importorskip("yaml")

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.groups import groups_of
from catsdk_trainers.data.rows import both_rows, fingerprint, order, rows_of

CONFIG = CaTConfig(model="m", prompt="question", suffix="!", system="Be short.")
CHAT = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "1+1!"}]


def test_texts_become_chats_and_other_columns_stay(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "1+1", "answer": 2, "level": 3}\n\n')
    told = [{"prompt": CHAT, "answer": 2, "level": 3}]
    assert rows_of(file, CONFIG) == rows_of(str(file), CONFIG) == told
    columns = {"question": ["1+1"], "answer": [2], "level": [3]}
    assert rows_of(datasets.Dataset.from_dict(columns), CONFIG) == told
    assert rows_of(["1+1"], CONFIG) == [{"prompt": CHAT}]


def test_a_line_of_json_may_hold_what_unicode_calls_the_end_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "1\u2028\u0085+1"}\n', encoding="utf-8")
    assert len(rows_of(file, CONFIG)) == 1


def test_a_data_set_that_is_nowhere_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        InvalidInputError, match="hf:.*nowhere is neither a name on the hub nor a folder"
    ):
        rows_of(f"hf:{tmp_path}/nowhere", CONFIG)


@pytest.mark.parametrize(("measured", "told"), [(["3+3", "1+1"], "1 of 2"), (["3+3"], "")])
def test_held_out_prompts_that_are_trained_on_are_reported(
    measured: list[str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "catsdk_trainers.data.rows"):
        both_rows(["1+1", "2+2"], measured, CONFIG)
    assert [told in record.message for record in caplog.records] == [True] * bool(told)


def test_a_chat_stays_as_it_is() -> None:
    chat = [{"role": "user", "content": "hi"}]
    assert rows_of([{"question": chat}], CONFIG) == [{"prompt": chat}]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("null", ": there is nothing in the column 'question'"),
        ("5", ", column 'question': the prompt is 5"),
        ('["hi"]', ", column 'question': message 0 of the prompt is 'hi'"),
        ('""', ", column 'question': the prompt is ''"),
    ],
)
def test_a_question_that_is_none_is_named_with_its_place(
    question: str, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"question": {question}}}')
    with pytest.raises(InvalidInputError, match=f"rows.jsonl, line 1{told}"):
        rows_of(file, CONFIG)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"prompt": "x"}', "rows.jsonl' has no prompt column 'question'; it has prompt"),
        ('{"question": "x"}\n{nonsense', "rows.jsonl, line 2, is not JSON"),
        ("", "has no rows"),
        (
            '"a"\n{"question": []}',
            "rows.jsonl, line 2, column 'question': .*without a user message",
        ),
        ("3", "rows.jsonl, line 1 is 3; give a text, or an object"),
        ('["a"]', "rows.jsonl, line 1 is .* give a text, or an object"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=told):
        rows_of(file, CONFIG)
    with pytest.raises(InvalidInputError, match="there is no data set at .*missing.jsonl"):
        rows_of(tmp_path / "missing.jsonl", CONFIG)


def test_each_pass_has_every_row_once_in_an_order_of_its_own() -> None:
    positions = order(5, 15, seed=1)
    passes = [positions[at : at + 5] for at in (0, 5, 10)]
    assert all(sorted(each) == [0, 1, 2, 3, 4] for each in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]
    assert order(5, 15, seed=2) != positions


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    assert order(5, 100, seed=3)[:12] == order(5, 12, seed=3)


def test_other_rows_have_another_fingerprint() -> None:
    rows = [{"prompt": "a"}, {"prompt": "b"}]
    assert fingerprint(rows) == fingerprint([dict(row) for row in rows])
    assert len({fingerprint(rows), fingerprint(rows[::-1]), fingerprint(rows[:1])}) == 3


def test_a_byte_order_mark_is_not_part_of_the_first_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "1+1"}\n', encoding="utf-8-sig")
    assert rows_of(file, CONFIG) == [{"prompt": CHAT}]


def test_chats_survive_a_table_that_fills_them_up_with_nulls() -> None:
    chats = [
        [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
        [{"role": "user", "content": [{"type": "image", "url": "https://x"}]}],
    ]
    table = datasets.Dataset.from_list([{"question": chat} for chat in chats])
    rows = rows_of(table, CONFIG)
    again = datasets.Dataset.from_list(rows)
    groups = groups_of(again["prompt"], ["a", "b"], {}, 1)
    assert [group.prompt for group, _ in groups] == [check_prompt(chat) for chat in chats]
    named = [{"question": [{"role": "user", "content": "6*7?", "name": None}]}]
    assert rows_of(named, CONFIG) == [{"prompt": [{"role": "user", "content": "6*7?"}]}]
