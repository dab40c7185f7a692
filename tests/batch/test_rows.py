"""Rows are read one by one from files of any size; wrong ones are refused with place and fix."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import pytest

from catsdk import CaT, Majority
from catsdk.batch import Plan, run
from catsdk.batch.rows import BatchRow, Refused, rows_of
from catsdk.core.errors import InvalidInputError
from catsdk.testing import FunctionProvider
from tests.batch.model import lines, rows


def plan(**settings: Any) -> Plan:
    model = FunctionProvider(lambda _: r"\boxed{4}")
    return Plan(CaT(model, estimator=Majority()), n=1, **settings)


def read(source: Any, **settings: Any) -> list[BatchRow | Refused]:
    return list(rows_of(source, plan(**settings)))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"not JSON", "line 2, is not JSON: .* write one object a line"),
        (b'{"id": "b", "text": "x"}', r"nothing in the column 'prompt' \(only in id, text\); fill"),
        (b'{"id": "b", "prompt": " "}', "give a text that is not empty"),
        (b'{"id": "b", "prompt": "%s"}' % (b"x" * 5_000_000), "5,000,000 characters; .* Shorten"),
        (rb'{"id": "b", "prompt": "\ud83d!"}', "column 'prompt' contains half of a character"),
        (rb'{"id": "b", "prompt": "p", "x": "\udc00"}', "column 'x' contains half of a character"),
        (rb'{"id": "b\ud83d", "prompt": "p"}', "column 'id' contains half of a character"),
        (rb'{"id": "b", "prompt": "a\u0000b"}', "the prompt contains the character NUL, after 'a'"),
        (rb'{"id": "a\u0000b", "prompt": "p"}', "the id contains the character NUL"),
        (b'{"id": "b", "prompt": "\0"}', "line 2, is not JSON: Invalid control character at"),
        (b'{"id": "b", "prompt": "caf\xe9"}', "line 2, is not UTF-8: .* save the file as UTF-8"),
        (b'{"id": "a", "prompt": "p"}', "the id 'a' is already at .*line 1; give each row"),
        (b'{"id": 1.5, "prompt": "p"}', "the id is 1.5; give a text or a whole number"),
        (b"[" * 100_000, "line 2, is not JSON: it is nested too deep"),
        (b'{"id": "b", "prompt": "p"} {}', "line 2, is not JSON: Extra data at character 28"),
        (
            b'{"id": "b", "x": ' + b"9" * 5000,
            "a number has more than .* digits; write it as a text",
        ),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_the_others_go_on(
    line: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "d.jsonl"
    # Files that were joined have a byte order mark in their midst.
    path.write_bytes(
        b'\xef\xbb\xbf{"id": "a", "prompt": "p"}\n'
        + line
        + b'\n\xef\xbb\xbf{"id": "c", "prompt": "q"}'
    )
    first, wrong, last = read(path)
    assert isinstance(first, BatchRow) and isinstance(last, BatchRow)
    assert (first.id, last.id) == ("a", "c")
    assert isinstance(wrong, Refused)
    assert wrong.place == f"{path}, line 2"
    assert re.search(told, wrong.cause), wrong.cause


@pytest.mark.parametrize(
    ("lines", "at", "told"),
    [
        (b"b,caf\xe9", 3, "line 3, is not UTF-8: it has the byte 0xe9; save the file as UTF-8"),
        (b'b,"two\nlines, \xff"', 4, "line 4, is not UTF-8: it has the byte 0xff"),
        (b'b,"a lone quote', 3, "line 3, is not CSV: .*; quote a cell that holds a quote"),
        (b'b,"5" wide', 3, "line 3, is not CSV: .*; quote a cell that holds a quote"),
        (b"b,a\0b", 3, "the prompt contains the character NUL, after 'a'"),
        (b"b", 3, "line 3, has 1 cells where the first line names 2; quote cells"),
        (b"b,one,two", 3, "line 3, has more cells where the first line names 2; quote cells"),
        (b"b,", 3, "give a text that is not empty"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_wrong_row_of_csv_is_refused_with_its_line_and_the_others_go_on(
    lines: bytes, at: int, told: str, end: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "d.csv"
    whole = b"id,prompt\na,p\n" + lines + b'\n\xef\xbb\xbfc,"q, ""r"""\nd,\xc3\xa9\n'
    path.write_bytes(b"\xef\xbb\xbf" + whole.replace(b"\n", end))
    first, wrong, *others = read(path)
    assert isinstance(wrong, Refused)
    assert wrong.place == f"{path}, line {at}"
    assert re.search(told, wrong.cause), wrong.cause
    good = [row.values for row in (first, *others) if isinstance(row, BatchRow)]
    assert [(row["id"], row["prompt"]) for row in good] == [("a", "p"), ("c", 'q, "r"'), ("d", "é")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_a_csv_file_in_a_wide_encoding_is_refused_with_the_fix(
    encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes("id,prompt\na,p\n".encode(encoding))
    with pytest.raises(InvalidInputError, match="UTF-16.*save|save.*UTF-8"):
        read(path)


def test_many_lone_quotes_are_each_a_wrong_row(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("id,prompt\n" + "".join(f'{at},"x\n{at}b,y\n' for at in range(200)))
    rows = read(path)
    assert sum(isinstance(row, BatchRow) for row in rows) >= 200


def test_a_long_prompt_in_a_csv_file_is_a_row_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(f'id,prompt\na,"{"x" * 500_000}"\nb,"{"y" * 3_000_000}"\nc,ok\n')
    first, long, last = read(path)
    assert isinstance(first, BatchRow) and isinstance(last, BatchRow)
    assert isinstance(long, Refused) and "3,000,000 characters" in long.cause


def test_the_columns_are_looked_for_beyond_wrong_first_rows(tmp_path: Path) -> None:
    mixed = [{"id": "a", "text": "no"}, {"id": "b", "prompt": "yes"}]
    wrong, right = read(mixed)
    assert isinstance(wrong, Refused) and "none of the columns prompt" in wrong.cause
    assert isinstance(right, BatchRow) and right.id == "b"
    with pytest.raises(InvalidInputError, match="none of the columns prompt"):
        read([{"text": "no"}] * 3)


async def test_an_edited_row_is_named_with_the_columns_that_differ(tmp_path: Path) -> None:
    given: list[dict[str, Any]] = [{"id": "a", "prompt": "p", "note": 1}]
    await run(given, tmp_path, plan())
    for edited, told in (
        ({"prompt": "q"}, "the column 'prompt' differs"),
        ({"prompt": "q", "note": 2}, "columns 'note', 'prompt' differ"),
        ({"more": 1}, r"it had 3 columns, and has 4 now \(id, more, note, prompt\)"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            await run([{**given[0], **edited}], tmp_path, plan())


async def test_rows_that_can_be_read_once_are_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidInputError, match="generator, which can be read once"):
        await run((row for row in rows(3)), tmp_path, plan())
    assert [each async for each in anyio.Path(tmp_path).iterdir()] == []


async def test_failures_stand_in_the_file_with_place_and_cause(tmp_path: Path) -> None:
    summary = await run([*rows(2), {"id": "x", "prompt": ""}], tmp_path, plan())
    assert (summary.ok, summary.refused) == (2, 1)
    [failed] = lines(tmp_path / "failed.jsonl")
    assert (failed["id"], failed["place"]) == ("x", "row 2 (from 0)")


MEASURED = """
import resource, sys
from catsdk.data import each_row
from catsdk.batch.rows import rows_of
from tests.batch.test_rows import plan

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

small, large = sys.argv[1:]
count = sum(1 for _ in rows_of(small, plan()))
before = peak()
count = sum(1 for _ in rows_of(large, plan()))
print(count, peak() - before)
"""
TEXT = "A train leaves at noon and another one at two. " * 100


def _jsonl(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in _many(count))


def _gz(path: Path, count: int) -> None:
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(json.dumps(row) + "\n" for row in _many(count))


def _json(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("[\n")
        file.writelines(
            (",\n" if at else "") + json.dumps(row) for at, row in enumerate(_many(count))
        )
        file.write("\n]")


def _csv(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("id,prompt\n")
        file.writelines(f'{row["id"]},"{row["prompt"]}"\n' for row in _many(count))


def _parquet(path: Path, count: int) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    schema = pa.schema([("id", pa.string()), ("prompt", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        rows = _many(count)
        while some := list(islice(rows, 1000)):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))


def _many(count: int) -> Iterator[dict[str, str]]:
    return ({"id": f"r{at}", "prompt": f"{TEXT}{at}"} for at in range(count))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("d.jsonl", _jsonl),
        ("d.jsonl.gz", _gz),
        ("d.json", _json),
        ("d.csv", _csv),
        ("d.parquet", _parquet),
    ],
)
def test_memory_does_not_grow_with_the_file(name: str, write: Any, tmp_path: Path) -> None:
    small, large = tmp_path / f"small_{name}", tmp_path / name
    write(small, 500)
    # Nearly forty megabytes of text.
    write(large, 8_000)
    command = [sys.executable, "-c", MEASURED, str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    count, megabytes = map(int, done.stdout.split())
    assert count == 8_000
    assert megabytes < 15
