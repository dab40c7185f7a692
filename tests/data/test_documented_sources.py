"""The table of sources in docs/data.md: each of them is read, and all give the same rows."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catsdk.data import Source, read_rows

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
ROWS = [{"prompt": "2+2?", "answer": "4"}, {"prompt": "3+3?", "answer": "6"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def written(path: Path, text: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def parquet(path: Path) -> str:
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list(ROWS).to_parquet(path)
    return str(path)


def folder(path: Path) -> str:
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": made.select([0]), "dev": made}).save_to_disk(str(path))
    return f"{path}@dev"


def hub(path: Path) -> str:
    """A data set as it lies on the hub: configurations in the card, splits in files."""
    pytest.importorskip("datasets")
    card = """---
configs:
- config_name: other
  data_files: [{split: train, path: other.jsonl}]
- config_name: main
  data_files: [{split: train, path: one.jsonl}, {split: dev, path: two.jsonl}]
---
"""
    written(path / "README.md", card)
    written(path / "other.jsonl", '{"prompt": "another"}\n')
    written(path / "one.jsonl", '{"prompt": "one", "answer": "1"}\n')
    written(path / "two.jsonl", LINES)
    return f"hf:{path}:main@dev"


MADE: dict[str, Callable[[Path], Source]] = {
    "problems.jsonl": lambda path: written(path / "problems.jsonl", LINES),
    "problems.json": lambda path: written(path / "problems.json", json.dumps(ROWS, indent=1)),
    "problems.csv": lambda path: written(path / "d.csv", "prompt,answer\n2+2?,4\n3+3?,6\n"),
    "problems.jsonl.gz": lambda path: written(path / "d.jsonl.gz", gzip.compress(LINES.encode())),
    "problems.parquet": lambda path: parquet(path / "problems.parquet"),
    "FOLDER@SPLIT": lambda path: folder(path / "saved"),
    "hf:OWNER/NAME:CONFIG@SPLIT": lambda path: hub(path / "hub"),
    '[{"prompt": ...}, ...]': lambda path: list(ROWS),
}
BOX = "box:SPLIT:SEED"


def documented() -> list[str]:
    """The first column of the first table of the page."""
    table = PAGE.read_text("utf-8").partition("| --- |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)


def test_the_table_names_every_source_and_no_other() -> None:
    assert documented() == [*list(MADE)[:-1], BOX, list(MADE)[-1]]


@pytest.mark.parametrize("source", MADE)
def test_every_source_gives_the_same_rows(source: str, tmp_path: Path) -> None:
    rows = read_rows(MADE[source](tmp_path))
    assert [dict(row.values) for row in rows] == ROWS
    assert len({row.place for row in rows}) == len(rows)


def test_the_box_draws_its_problems_by_split_and_seed() -> None:
    first, other, again = (read_rows(f"box:dev{seed}", limit=3) for seed in ("", ":1", ":1"))
    assert len(first) == 3
    assert values(first) != values(other) == values(again)


def values(rows: Any) -> list[dict[str, Any]]:
    return [dict(row.values) for row in rows]
