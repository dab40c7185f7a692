"""Rows become the table that a trainer takes, with every column, or it is said why they cannot."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("datasets")
pytest.importorskip("yaml")

from catsdk.core.errors import InvalidInputError
from catsdk.data import read_rows
from catsdk_trainers.config.settings import CaTConfig, HeldOut
from catsdk_trainers.data.rows import answer_column, held_out_rows, rows_of
from catsdk_trainers.data.tables import table_of


def table(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    made: Any = table_of(read_rows(rows), ["answer"])
    return list(made)


def test_a_column_that_the_first_row_lacks_is_there() -> None:
    assert table({"prompt": "a"}, {"prompt": "b", "answer": 2, "level": 1}) == [
        {"prompt": "a", "answer": None, "level": None},
        {"prompt": "b", "answer": "2", "level": 1},
    ]


def test_known_answers_are_of_one_kind_and_a_missing_number_is_none() -> None:
    rows = table({"answer": float("nan")}, {"answer": 2}, {"answer": ["3", 4]})
    assert [row["answer"] for row in rows] == [[None], ["2"], ["3", "4"]]
    assert [row["answer"] for row in table({"answer": float("nan")}, {"answer": 2.5})] == [
        None,
        "2.5",
    ]


@pytest.mark.parametrize("other", ["x", [1], {"a": 1}, 2**70])
def test_values_of_several_kinds_are_named_with_their_places(other: Any) -> None:
    with pytest.raises(InvalidInputError, match="the column 'level' cannot be part of a table"):
        table({"prompt": "a", "level": 1}, {"prompt": "b", "level": other})
    with pytest.raises(InvalidInputError, match=r"row 0 \(from 0\) has 1 and row 2 .* has 'x'"):
        table({"level": 1}, {}, {"level": "x"})


def test_prompts_and_answers_are_found_by_the_names_that_an_evaluation_finds() -> None:
    config = CaTConfig(model="m")
    source = [{"question": "1+1?", "prompt_id": 7, "gold": 2}]
    (row,) = rows_of(source, config)
    assert row["prompt"] == [{"role": "user", "content": "1+1?"}] and "question" not in row
    tests = held_out_rows(source, config)
    assert answer_column(tests, config) == "gold"
    assert answer_column(held_out_rows([{"prompt": "a"}], config), config) == "gold"
    named = CaTConfig(model="m", evaluation=HeldOut(answer="god"))
    with pytest.raises(InvalidInputError, match="no gold column 'god'.*is it 'gold'?"):
        answer_column(tests, named)


def test_another_column_of_the_name_prompt_does_not_take_the_prompts_place() -> None:
    config = CaTConfig(model="m", prompt="question")
    (row,) = rows_of([{"question": "1+1?", "prompt": "something else"}], config)
    assert row["prompt"] == [{"role": "user", "content": "1+1?"}]


def test_of_several_splits_training_takes_the_one_for_training(tmp_path: Any) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"prompt": "{name}"}}')
    config = CaTConfig(model="m", held_out=str(tmp_path))
    (row,) = rows_of(tmp_path, config)
    assert row["prompt"][0]["content"] == "train"
    (held_out,) = held_out_rows(None, config)
    assert held_out.values["prompt"][0]["content"] == "test"
