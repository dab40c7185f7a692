"""Data sets of every kind are read alike, and what is wrong with one is said with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError
from catsdk.data import Columns
from catsdk.evaluate.items import Item, halves, item_of
from catsdk.evaluate.reading import check_graded, read_items

ROWS = [{"question": "2+2?", "answer": "so\n#### 4"}, {"question": "3+3?", "answer": "\\boxed{6}"}]


def told(items: list[Item]) -> list[tuple[str, ...]]:
    return [(item.id, item.prompt[-1].text, *Answers().golds(item.accepted)) for item in items]


WANTED = [("0", "2+2?", "4"), ("1", "3+3?", "6")]


def test_json_lines_plain_and_compressed(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    plain, packed = tmp_path / "d.jsonl", tmp_path / "d.jsonl.gz"
    plain.write_text(text, encoding="utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    assert told(read_items(str(plain))) == told(read_items(str(packed))) == WANTED
    assert told(read_items(str(plain), limit=1)) == WANTED[:1]


def test_gold_answers_are_read_like_completions_and_a_list_holds_all_that_are_accepted(
    tmp_path: Path,
) -> None:
    golds = ["The answer is 4.", "No solution: they are parallel", ["#### 4", "four"], 4]
    path = tmp_path / "d.jsonl"
    rows = [{"prompt": f"q{at}", "gold": gold} for at, gold in enumerate(golds)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    items = read_items(str(path))
    read = [Answers().golds(item.accepted) for item in items]
    assert read == [("4",), ("No solution: they are parallel",), ("4", "four"), ("4",)]


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
    assert told(read_items(f"{tmp_path}/two@train")) == WANTED
    with pytest.raises(InvalidInputError, match="no split 'dev'; .* one of train, test"):
        read_items(f"{tmp_path}/two@dev")


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
        ('{"prompt": "a"}\n{"prompt":', "d.jsonl, line 2, is not JSON"),
        ("[" * 100_000, "d.jsonl, line 1, is not JSON"),
        ("[1]", "d.jsonl, line 1 is .1.; give a text, or an object"),
        ('\n{"prompt": ""}', "d.jsonl, line 2, column 'prompt': the prompt is ''"),
        ('{"prompt": "a"}\n{"text": "b"}', "d.jsonl, line 2: there is nothing in the column"),
        ('{"prompt": "a"}\n{"prompt": 7}', "d.jsonl, line 2, column 'prompt': the prompt is 7"),
        (
            '{"prompt": "a", "gold": {"is": "1"}}',
            "d.jsonl, line 1, column 'gold': the gold answer is",
        ),
        (
            '{"prompt": "a", "gold": ["1", {}]}',
            "d.jsonl, line 1, column 'gold': the gold answer is",
        ),
        (
            '{"prompt": "a", "rubric": [{"text": "b", "points": "5"}]}',
            "line 1, column 'rubric': a criterion is worth",
        ),
        (
            '{"prompt": "a", "id": 1}\n{"prompt": "b", "id": 1}',
            "line 2: the id '1' is already used at .*d.jsonl, line 1",
        ),
        ('{"prompt": "a", "id": 1}\n{"prompt": "b"}', "line 2, column 'id': the id is None"),
        ('{"prompt": "a", "criteria": "polite"}', "line 1, column 'criteria': criteria"),
        ('{"prompt": "a", "criteria": [7]}', "line 1, column 'criteria': a criterion is 7"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        read_items(str(path))


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("d.csv", b"prompt,gold\n,1\n", "d.csv, line 2, column 'prompt': the prompt is ''"),
        (
            "d.jsonl.gz",
            gzip.compress(b'{"prompt": "a"}', mtime=0)[:-9],
            "d.jsonl.gz' cannot be read",
        ),
        ("d.jsonl.gz", b"plain", "d.jsonl.gz' cannot be read"),
        (
            "d.jsonl.gz",
            gzip.compress(b"{}", mtime=0)[:12] + b"\xff" * 9,
            "d.jsonl.gz' cannot be read",
        ),
    ],
)
def test_a_broken_file_is_named_with_the_line_where_there_is_one(
    tmp_path: Path, name: str, raw: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(InvalidInputError, match=message):
        read_items(str(path))


def test_broken_parquet_and_a_folder_that_is_no_data_set_are_named(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "d.parquet").write_bytes(b"PAR1 no more")
    (tmp_path / "folder").mkdir()
    for name in ("d.parquet", "folder"):
        with pytest.raises(InvalidInputError, match=f"{name}' cannot be (read|loaded)"):
            read_items(str(tmp_path / name))


def test_line_ends_inside_a_text_do_not_end_its_row(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    text = "a\u2028b\x85c\x1cd"
    path.write_text(json.dumps({"prompt": text}, ensure_ascii=False) + "\r\n", encoding="utf-8")
    (item,) = read_items(str(path))
    assert item.prompt[-1].text == text
    table = tmp_path / "d.csv"
    table.write_bytes(b'prompt,gold\r\n"a\nb",1\r\n"c",\r\n')
    first, second = read_items(str(table))
    assert (first.prompt[-1].text, first.gold, second.gold) == ("a\nb", "1", None)


def test_several_answers_may_be_accepted_and_criteria_may_weigh(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    rows = [
        {"prompt": "a", "gold": ["1/2", 0.5, None]},
        {"prompt": "b", "rubric": [{"criterion": "c", "points": 5}, {"text": "d", "weight": -2}]},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    first, second = read_items(str(path))
    assert first.accepted == ("1/2", "0.5")
    assert [(c.text, c.weight, c.kind) for c in second.criteria] == [
        ("c", 5.0, None),
        ("d", -2.0, "pitfall"),
    ]


def test_a_column_that_the_first_row_lacks_is_found(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": "b", "gold": "2"}', encoding="utf-8")
    assert [item.gold for item in read_items(str(path))] == [None, "2"]
    assert len(read_items(str(path), columns=Columns(gold="gold"))) == 2


def test_data_that_cannot_be_graded_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"prompt": "a", "anwser": "1"}', encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"columns prompt, anwser.*--gold-column"):
        check_graded(read_items(str(path)), str(path))
    check_graded(read_items(str(path), columns=Columns(gold="anwser")), str(path))


def test_a_missing_number_is_no_gold_answer(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"prompt": "a", "gold": NaN}\n{"prompt": "b", "gold": 2.5}', encoding="utf-8")
    assert [item.gold for item in read_items(str(path))] == [None, "2.5"]


def test_equal_prompts_fall_on_one_side_when_items_are_parted() -> None:
    items = [item_of(f"q{at // 2}", "1", id=str(at)) for at in range(40)]
    held, rest = halves(items, 0.5)
    assert held and rest and len(held) + len(rest) == 40
    assert not {item.prompt for item in held} & {item.prompt for item in rest}


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no data set at .*hf:OWNER/NAME"):
        read_items(str(tmp_path / "missing.jsonl"))
    other = tmp_path / "d.txt"
    other.write_text("x", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="ends in none of"):
        read_items(str(other))


@pytest.mark.needs_torch
def test_problems_of_the_box_come_by_split_and_seed() -> None:
    pytest.importorskip("torch")
    items = read_items("box:dev", limit=5)
    assert len(items) == 5
    first, second = items[0].prompt[-1].text.split("+")
    assert items[0].gold == str(int(first) + int(second))
    assert read_items("box:dev:1", limit=5) != items
    with pytest.raises(InvalidInputError, match="unknown split"):
        read_items("box:nowhere")


def test_the_halves_are_disjoint_and_do_not_depend_on_the_rest() -> None:
    items = [item_of(f"q{at}", id=str(at)) for at in range(400)]
    chosen, rest = halves(items, 0.5)
    assert 150 < len(chosen) < 250
    assert len(chosen) + len(rest) == 400
    assert halves(items[:100], 0.5)[0] == [item for item in chosen if int(item.id) < 100]
    assert halves(items, 0.0) == ([], items)
