"""Rows are read from files, lists and data sets, and come in an order that can be resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

datasets = pytest.importorskip("datasets")
pytest.importorskip("yaml")

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.config import CaTConfig
from catsdk_trainers.data import fingerprint, order, rows_of

CONFIG = CaTConfig(model="m", prompt="question", suffix="!", system="Be short.")
CHAT = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "1+1!"}]


def test_texts_become_chats_and_numbers_become_answers(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "1+1", "answer": 2, "level": 3}\n\n')
    told = [{"prompt": CHAT, "answer": "2", "level": 3}]
    assert rows_of(file, CONFIG) == rows_of(str(file), CONFIG) == told
    columns = {"question": ["1+1"], "answer": [2], "level": [3]}
    assert rows_of(datasets.Dataset.from_dict(columns), CONFIG) == told
    assert rows_of(["1+1"], CONFIG) == [{"prompt": CHAT}]


def test_a_chat_stays_as_it_is() -> None:
    chat = [{"role": "user", "content": "hi"}]
    assert rows_of([{"question": chat}], CONFIG) == [{"prompt": chat}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"prompt": "x"}', "row 0 has the columns .*'prompt'.* no 'question'"),
        ('{"question": "x"}\n{nonsense', "rows.jsonl:2 is no JSON"),
        ("", "has no rows"),
        ('{"question": []}', "without a user message"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=told):
        rows_of(file, CONFIG)
    with pytest.raises(InvalidInputError, match="cannot be read"):
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
