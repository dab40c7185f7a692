"""Data sets of every kind are read alike, and what is wrong with one is said with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.evaluate.items import Item, halves, item_of
from catsdk.evaluate.sources import Columns, read_items

ROWS = [{"question": "2+2?", "answer": "so\n#### 4"}, {"question": "3+3?", "answer": "\\boxed{6}"}]


def told(items: list[Item]) -> list[tuple[str, str, str | None]]:
    return [(item.id, item.prompt[-1].text, item.gold) for item in items]


WANTED = [("0", "2+2?", "4"), ("1", "3+3?", "6")]


def test_json_lines_plain_and_compressed(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    plain, packed = tmp_path / "d.jsonl", tmp_path / "d.jsonl.gz"
    plain.write_text(text, encoding="utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    assert told(read_items(str(plain))) == told(read_items(str(packed))) == WANTED
    assert told(read_items(str(plain), limit=1)) == WANTED[:1]


def test_csv_with_names_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text('ask,right,key\n"2+2?",4,x\n"3+3?",6,y\n', encoding="utf-8")
    items = read_items(str(path), columns=Columns("ask", "right", id="key"))
    assert told(items) == [("x", "2+2?", "4"), ("y", "3+3?", "6")]
    with pytest.raises(InvalidInputError, match="it has ask, right, key"):
        read_items(str(path))
    with pytest.raises(InvalidInputError, match="no gold column 'gold'"):
        read_items(str(path), columns=Columns("ask", "gold"))


def test_parquet_and_hugging_face_data_sets_from_disk(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_list(ROWS)
    made.to_parquet(tmp_path / "d.parquet")
    made.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(str(tmp_path / "two"))
    assert told(read_items(str(tmp_path / "d.parquet"))) == WANTED
    assert told(read_items(str(tmp_path / "one"))) == WANTED
    assert told(read_items(str(tmp_path / "two"), split="train")) == WANTED
    with pytest.raises(InvalidInputError, match="it has train, test"):
        read_items(str(tmp_path / "two"), split="dev")


def test_chats_and_criteria_as_texts_or_objects(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    rows = [
        {"messages": chat, "rubric": ["polite", {"criterion": "short", "points": 3}]},
        {"messages": chat, "rubric": '["polite"]'},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    first, second = read_items(str(path))
    assert [message.role for message in first.prompt] == ["system", "user"]
    assert [(c.id, c.text) for c in first.criteria] == [("r1", "polite"), ("r2", "short")]
    assert [c.text for c in second.criteria] == ["polite"]
    assert first.gold is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ('{"prompt": "a"}\n{"prompt":', "line 2"),
        ("[1]", "no JSON object"),
        ('{"prompt": ""}', "row 0"),
        ('{"prompt": "a", "id": 1}\n{"prompt": "b", "id": 1}', "more than once"),
        ('{"prompt": "a", "criteria": "polite"}', "row 0: criteria"),
        ('{"prompt": "a", "criteria": [7]}', "a criterion is 7"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        read_items(str(path))


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="hf:NAME"):
        read_items(str(tmp_path / "missing.jsonl"))
    other = tmp_path / "d.txt"
    other.write_text("x", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="none of"):
        read_items(str(other))


@pytest.mark.needs_torch
def test_problems_of_the_box_come_by_split_and_seed() -> None:
    pytest.importorskip("torch")
    items = read_items("box:dev", limit=5)
    assert len(items) == 5
    first, second = items[0].prompt[-1].text.split("+")
    assert items[0].gold == str(int(first) + int(second))
    assert read_items("box:dev@1", limit=5) != items
    with pytest.raises(InvalidInputError, match="unknown split"):
        read_items("box:nowhere")


def test_the_halves_are_disjoint_and_do_not_depend_on_the_rest() -> None:
    items = [item_of(f"q{at}", id=str(at)) for at in range(400)]
    chosen, rest = halves(items, 0.5)
    assert 150 < len(chosen) < 250
    assert len(chosen) + len(rest) == 400
    assert halves(items[:100], 0.5)[0] == [item for item in chosen if int(item.id) < 100]
    assert halves(items, 0.0) == ([], items)
