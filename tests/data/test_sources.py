"""One loader reads every source alike, and says where and what is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.data import Columns, read_rows
from catsdk.data.columns import gold_in, ids_of, prompt_in
from catsdk.data.rows import Row
from catsdk.data.tables import from_hub


def values(source: Any, **options: Any) -> list[dict[str, Any]]:
    return [dict(row.values) for row in read_rows(source, **options)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.jsonl", '{"prompt": "é"}\n'),
        ("d.json", '[{"prompt": "é"}]'),
        ("d.csv", "prompt\né\n"),
        ("D.JSONL", '\r\n{"prompt": "é"}\r\n\r\n'),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_byte_order_mark_is_not_part_of_the_first_row(
    name: str, text: str, compressed: bool, tmp_path: Path
) -> None:
    raw = text.encode("utf-8-sig")
    path = tmp_path / (f"{name}.gz" if compressed else name)
    path.write_bytes(gzip.compress(raw) if compressed else raw)
    assert values(path) == [{"prompt": "é"}]


def test_a_file_is_decompressed_whatever_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(gzip.compress(b'{"prompt": "a"}'))
    assert values(path) == [{"prompt": "a"}]


def test_texts_are_prompts_in_files_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('"a"\n{"prompt": "b"}\n')
    assert values(path) == values(["a", {"prompt": "b"}]) == [{"prompt": "a"}, {"prompt": "b"}]
    assert values(iter(["a"]), text="ask") == [{"ask": "a"}]


def test_the_keys_that_a_table_adds_are_not_there(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [
        {"messages": [{"role": "user", "content": "a"}], "rubric": [{"criterion": "b"}]},
        {
            "messages": [{"role": "user", "content": "a", "name": "bob"}],
            "rubric": [{"text": "c", "points": -1}],
        },
        {"messages": [{"role": "user", "content": "d"}], "rubric": None},
    ]
    table = datasets.Dataset.from_list(rows)
    table.to_parquet(tmp_path / "d.parquet")
    assert values(table) == values(tmp_path / "d.parquet") == rows


@pytest.mark.parametrize("splits", [("test",), ("validation", "test")])
def test_of_several_splits_the_first_usual_one_is_read(
    splits: tuple[str, ...], tmp_path: Path
) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"prompt": "{name}"}}\n')
    pytest.importorskip("datasets")
    assert values(tmp_path, splits=splits) == [{"prompt": "test"}]
    assert values(f"{tmp_path}@train") == [{"prompt": "train"}]
    assert values(f"hf:{tmp_path}@train[:1]") == [{"prompt": "train"}]
    with pytest.raises(InvalidInputError, match=r"has several splits; write .*@SPLIT.*train, test"):
        read_rows(tmp_path, splits=("dev",))
    with pytest.raises(InvalidInputError, match=r"Unknown split \"dev\".*train"):
        read_rows(f"{tmp_path}@dev")


def test_splits_in_memory_are_chosen_alike() -> None:
    datasets = pytest.importorskip("datasets")
    one, two = (datasets.Dataset.from_list([{"prompt": text}]) for text in ("one", "two"))
    assert values(datasets.DatasetDict({"train": one, "test": two})) == [{"prompt": "two"}]
    assert values(datasets.DatasetDict({"dev": one})) == [{"prompt": "one"}]


def test_a_path_may_hold_an_at_sign(tmp_path: Path) -> None:
    path = tmp_path / "a@b.jsonl"
    path.write_text('{"prompt": "a"}')
    assert values(str(path)) == [{"prompt": "a"}]
    with pytest.raises(InvalidInputError, match="is a file, which has no split 'dev'"):
        read_rows(f"{path}@dev")


@pytest.mark.parametrize("name", ["d.jsonl", "d.json", "d.csv"])
@pytest.mark.parametrize("raw", [b"", b" \n\n"])
def test_an_empty_file_is_refused(name: str, raw: bytes, tmp_path: Path) -> None:
    refused(tmp_path / name, raw, "has no rows")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"prompt,gold\n", "has no rows"),
        (b"prompt\nf\xfcr\n", "line 2, is not UTF-8: it has the byte 0xfc"),
        (b"prompt;gold\na;1\n", "names one column, 'prompt;gold'; separate the cells by"),
        (b"prompt,gold\na,1\nb,1,2\n", "line 3, has more cells"),
        (b"prompt,gold\na\n", "line 2, has 1 cells"),
        (b'prompt,gold\na,1\n"b,2\n', "line 3, is not CSV"),
        (b"a,b,a\n1,2,3\n", "line 1, names the column 'a' twice"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(
    raw: bytes, told: str, tmp_path: Path
) -> None:
    refused(tmp_path / "d.csv", raw, told)


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("d.json", b"[]", "has no rows"),
        ("d.jsonl", b"{}\n\xff", "line 2, is not UTF-8: it has the byte 0xff; save the file as"),
        ("d.json", '["a"]'.encode("utf-16"), "is in UTF-16 or UTF-32; save it as UTF-8"),
        ("d.jsonl", b"PAR1", "is Parquet; name it d.parquet"),
        ("d.jsonl", b'[\n{"prompt": "a"}\n]', "line 1, is not JSON: .* list is named .json"),
        ("d.jsonl", b'{\n"prompt": "a"\n}', "line 1, is not JSON: .* list is named .json"),
        ("d.jsonl", b"7", "line 1 is 7; give a text, or an object"),
        ("d.json", b'{"a": 1}\n{"a": 2}', "is not JSON: .* a line is named .jsonl"),
        ("d.json", b'{"data": [], "n": 1}', "holds one object with data, n; write a list of rows"),
        ("d.json", b'{"data":', "is not JSON: Expecting value: line 1"),
        ("d.json", b'["a", 7]', r"row 1 \(from 0\) is 7"),
        ("d.json", b"[" * 100_000, "is not JSON"),
        ("d.jsonl.gz", b'{"prompt": "a"}', "cannot be read: Not a gzipped file"),
        ("d.tsv", b"prompt\ta", "ends in none of .jsonl, .ndjson, .json, .csv .* and .parquet"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    name: str, raw: bytes, told: str, tmp_path: Path
) -> None:
    refused(tmp_path / name, raw, told)


def refused(path: Path, raw: bytes, told: str) -> None:
    path.write_bytes(raw)
    with pytest.raises(InvalidInputError, match=told) as caught:
        read_rows(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (b"a", "type bytes; give a list of texts"),
        ({"prompt": ["a"]}, "type dict; give a list of texts"),
        (7, "type int; give a list of texts"),
        ([], "has no rows"),
        (["a", None], r"row 1 \(from 0\) is None"),
        ("What is 2+2?", r"no data set at 'What is 2\+2\?'; give a file"),
        ("-", "'-' is not a regular file .* write the rows to one"),
        ("/dev/null", "'/dev/null' is not a regular file"),
        ("openai/gsm8k", "one on the hub is hf:openai/gsm8k"),
        ("hf:openai/gsm8k/main", "after a colon, such as hf:openai/gsm8k:main"),
        ("hf:@test", "names no data set or no split"),
        ("hf:a/b@", "names no data set or no split"),
        ("box:train", "unknown split 'train'"),
        ("box:dev:x", "write box:SPLIT or box:SPLIT:SEED"),
    ],
)
def test_what_is_no_source_is_refused_with_what_would_be_one(source: Any, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        read_rows(source)


def test_a_table_of_pandas_says_how_its_rows_are_given() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidInputError, match=r"to_dict\('records'\)"):
        read_rows(pandas.DataFrame([{"prompt": "a"}]))


def test_a_configuration_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "train.jsonl").write_text('{"prompt": "a"}')
    with pytest.raises(InvalidInputError, match="'nope' not found.*a split behind an @"):
        read_rows(f"hf:{tmp_path}:nope")
    (tmp_path / "train.jsonl").write_text('{"prompt":')
    with pytest.raises(InvalidInputError, match="cannot be loaded .*JSON"):
        read_rows(f"hf:{tmp_path}@train")


@pytest.mark.parametrize("inside", [None, "notes.md"])
def test_a_folder_without_data_is_said_with_what_to_put_there(
    tmp_path: Path, inside: str | None
) -> None:
    pytest.importorskip("datasets")
    if inside is not None:
        (tmp_path / inside).write_text("nothing")
    with pytest.raises(InvalidInputError, match=r"a folder with \.jsonl, \.json, \.csv or"):
        read_rows(str(tmp_path))


def test_a_hub_out_of_reach_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(InvalidInputError, match=r"hf:no/where.*or give a file or a folder"):
        from_hub("no/where", None, ())


def test_the_package_of_tables_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[data\]"):
        read_rows("hf:openai/gsm8k")


def test_columns_have_usual_names_and_a_misspelt_one_is_guessed() -> None:
    rows = read_rows([{"question": "a", "answers": ["1", "2"], "uuid": "x"}])
    found = Columns().found_in(rows, "it")
    assert found == Columns("question", "answers", None, "uuid")
    assert gold_in(rows[0], found.gold) == ("1", "2")
    with pytest.raises(InvalidInputError, match="no prompt column 'qestion'.*is it 'question'?"):
        Columns("qestion").found_in(rows, "it")
    with pytest.raises(InvalidInputError, match="none of the columns prompt.*it has ask"):
        Columns().found_in(read_rows([{"ask": "a"}]), "it")


def test_an_id_that_stands_twice_is_named_with_both_places(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    rows: list[dict[str, Any]] = [{"prompt": "a", "id": 1}, {"prompt": "b", "id": "1"}]
    path.write_text("\n\n".join(map(json.dumps, rows)))
    with pytest.raises(InvalidInputError, match="d.jsonl, line 3: the id '1' .*d.jsonl, line 1"):
        ids_of(read_rows(path), "id")
    with pytest.raises(InvalidInputError, match="the id is True"):
        ids_of(read_rows([{"id": True}]), "id")


def test_a_chat_in_a_cell_of_text_is_read() -> None:
    chat = [{"role": "user", "content": "a"}]
    assert prompt_in(Row("here", {"messages": json.dumps(chat)}), "messages") == chat
    assert prompt_in(Row("here", {"prompt": "[1]"}), "prompt") == "[1]"
    with pytest.raises(InvalidInputError, match="here, column 'messages': message 0"):
        prompt_in(Row("here", {"messages": "[1]"}), "messages")
