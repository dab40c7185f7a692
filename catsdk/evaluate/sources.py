"""Reads a data set: JSONL, CSV, Parquet, Hugging Face datasets, or the problems in the box."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, cast

from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.core.inputs import PromptLike
from catsdk.equivalence.extract import extract_answer
from catsdk.evaluate.items import Item, item_of

__all__ = ["Columns", "read_items"]

Row = Mapping[str, Any]

PROMPTS = ("prompt", "messages", "problem", "question", "input", "instruction")
GOLDS = ("gold", "answer", "target", "label", "solution", "reference")
CRITERIA = ("criteria", "rubric")
BOX_PROBLEMS = 500
IDS = ("id", "unique_id", "uuid")


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns; `None` takes the first that is there of the usual ones."""

    prompt: str | None = None
    gold: str | None = None
    criteria: str | None = None
    id: str | None = None


def read_items(
    source: str, *, columns: Columns = Columns(), split: str | None = None, limit: int | None = None
) -> list[Item]:
    r"""Read the items of `source`, at most `limit`, in their order.

    `source` is a file (`.jsonl`, `.csv`, `.parquet`, also with `.gz`), a folder that
    `datasets.save_to_disk` wrote, `hf:OWNER/NAME` or `hf:OWNER/NAME/CONFIG` for one on the hub, or
    `box:SPLIT` for problems of the model in the box (`box:heldout`, `box:dev`, 500 of them unless
    `limit` says otherwise; `box:heldout@3` draws others). A gold answer that
    is a whole solution (`\boxed{}`, `#### x`) is reduced to its final answer. Criteria are a list
    of texts, or of objects with a `criterion` or `text`.

    Raises:
        InvalidInputError: there is no such data set, or a column is missing.
        MissingExtraError: Parquet or a Hugging Face data set without `catsdk[data]`.
    """
    rows = list(islice(_rows(source, split, limit), limit))
    if not rows:
        raise InvalidInputError(f"data set {source!r} has no rows")
    found = _columns(rows[0], columns, source)
    items = [_item(row, found, at, source) for at, row in enumerate(rows)]
    doubled = len(items) - len({item.id for item in items})
    if doubled:
        raise InvalidInputError(f"data set {source!r}: {doubled} ids stand more than once")
    return items


def _rows(source: str, split: str | None, limit: int | None) -> Iterator[Row]:
    if source.startswith("box:"):
        return _box(source.removeprefix("box:"), limit or BOX_PROBLEMS)
    if source.startswith("hf:"):
        return _from_hub(source.removeprefix("hf:"), split)
    path = Path(source)
    if path.is_dir():
        return _from_disk(path, split)
    if not path.is_file():
        raise InvalidInputError(
            f"no data set at {source!r}; give a file, a folder of datasets.save_to_disk, hf:NAME,"
            " or box:heldout"
        )
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return _json_lines(path)
    if name.endswith(".csv"):
        return iter(csv.DictReader(io.StringIO(_text(path))))
    if name.endswith(".parquet"):
        return _parquet(path)
    raise InvalidInputError(f"{source!r} is none of .jsonl, .csv and .parquet (also with .gz)")


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}") from error


def _json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row: object = json.loads(line)
        except ValueError as error:
            raise InvalidInputError(f"{path}, line {number}, is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InvalidInputError(f"{path}, line {number}, is no JSON object")
        yield cast("Row", row)


def _parquet(path: Path) -> Iterator[Row]:
    parquet = _optional("pyarrow.parquet")
    rows: list[Row] = parquet.read_table(path).to_pylist()
    return iter(rows)


def _from_disk(path: Path, split: str | None) -> Iterator[Row]:
    return _rows_of(_optional("datasets").load_from_disk(str(path)), split, str(path))


def _from_hub(name: str, split: str | None) -> Iterator[Row]:
    parts = name.split("/")
    config = parts[2] if len(parts) > 2 else None
    loaded = _optional("datasets").load_dataset("/".join(parts[:2]), config)
    return _rows_of(loaded, split, f"hf:{name}")


def _rows_of(loaded: Any, split: str | None, name: str) -> Iterator[Row]:
    """A data set, or the split of several that is named, or their only or `test` one."""
    if not isinstance(loaded, dict):
        return iter(cast("Iterable[Row]", loaded))
    splits = cast("dict[str, Iterable[Row]]", loaded)
    chosen = split or ("test" if "test" in splits else next(iter(splits)))
    if chosen not in splits:
        raise InvalidInputError(f"{name} has no split {chosen!r}; it has {', '.join(splits)}")
    return iter(splits[chosen])


def _optional(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"this data set needs {module}: pip install 'catsdk[data]'"
        ) from error


def _box(name: str, n: int) -> Iterator[Row]:
    from catsdk.providers import box_problems

    split, _, seed = name.partition("@")
    try:
        pairs = box_problems(split, n, int(seed or 0))
    except ValueError as error:
        raise InvalidInputError(f"box:{name}: {error}") from error
    return ({"prompt": prompt, "gold": gold, "id": prompt} for prompt, gold in pairs)


def _columns(row: Row, wanted: Columns, source: str) -> Columns:
    def find(name: str | None, usual: tuple[str, ...], what: str) -> str | None:
        if name is not None and name not in row:
            raise InvalidInputError(
                f"data set {source!r} has no {what} column {name!r}; it has {', '.join(row)}"
            )
        return name or next((each for each in usual if each in row), None)

    prompt = find(wanted.prompt, PROMPTS, "prompt")
    if prompt is None:
        raise InvalidInputError(
            f"data set {source!r} has none of the columns {', '.join(PROMPTS)}; it has"
            f" {', '.join(row)}: name the prompt's column"
        )
    return Columns(
        prompt,
        find(wanted.gold, GOLDS, "gold"),
        find(wanted.criteria, CRITERIA, "criteria"),
        find(wanted.id, IDS, "id"),
    )


def _item(row: Row, columns: Columns, at: int, source: str) -> Item:
    prompt = cast("PromptLike", row[columns.prompt or ""])
    gold = row.get(columns.gold) if columns.gold else None
    try:
        return item_of(
            prompt,
            None if gold is None or gold == "" else _final(str(gold)),
            id=str(row[columns.id]) if columns.id else str(at),
            criteria=_criteria(row.get(columns.criteria) if columns.criteria else None),
        )
    except InvalidInputError as error:
        raise InvalidInputError(f"data set {source!r}, row {at}: {error}") from error


def _final(gold: str) -> str:
    return extract_answer(gold) or gold.strip()


def _criteria(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    given: object = value
    if isinstance(value, str):
        try:
            given = json.loads(value)
        except ValueError:
            given = value
    if not isinstance(given, list):
        raise InvalidInputError(f"criteria are {value!r:.80}; give a list of texts")
    return tuple(_criterion(each) for each in cast("list[object]", given))


def _criterion(value: object) -> str:
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        value = named.get("criterion", named.get("text"))
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(f"a criterion is {value!r:.80}; give a text")
    return value
