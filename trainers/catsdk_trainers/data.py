"""Rows of prompts from JSONL files, the Hugging Face hub, data sets or lists, and their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from datasets import Dataset, IterableDataset, load_dataset

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk_trainers.config import CaTConfig

__all__ = ["Rows", "fingerprint", "order", "rows_of"]

Rows: TypeAlias = str | Path | Sequence[str | Mapping[str, Any]] | Dataset
"""A path of a JSONL file, `hf:NAME[:SPLIT]`, a data set, or a list of prompts or rows."""

HUB = "hf:"


def rows_of(source: Rows, config: CaTConfig) -> list[dict[str, Any]]:
    """Read `source` into rows whose `prompt` is a chat; the other columns stay.

    Raises:
        InvalidInputError: the source cannot be read, has no row, or a row has no prompt.
    """
    rows = [_row(at, row, config) for at, row in enumerate(_raw(source))]
    if not rows:
        raise InvalidInputError(f"{_named(source)} has no rows")
    return rows


def order(rows: int, wanted: int, seed: int) -> list[int]:
    """`wanted` positions of `rows` rows: shuffled passes over all of them, one after another.

    The first n do not depend on how many are wanted, so that a run can be resumed or made longer.
    """
    positions: list[int] = []
    while len(positions) < wanted:
        once = list(range(rows))
        Random(f"{seed} {len(positions) // rows}").shuffle(once)
        positions += once
    return positions[:wanted]


def fingerprint(rows: Sequence[Mapping[str, Any]]) -> str:
    """A hash of all rows in their order."""
    digest = sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, default=str).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


def _raw(source: Rows) -> Iterable[Any]:
    if isinstance(source, str) and source.startswith(HUB):
        return _from_hub(source)
    if isinstance(source, str | Path):
        return _from_file(Path(source))
    if isinstance(source, IterableDataset):
        raise InvalidInputError("a streaming data set has no order to resume; load it whole")
    return source


def _from_hub(source: str) -> Iterable[Any]:
    name, _, split = source.removeprefix(HUB).partition(":")
    return load_dataset(name, split=split or "train")  # type: ignore[no-any-return]


def _from_file(path: Path) -> Iterable[Any]:
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the data {path} cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _parsed(line, f"{path}:{number}")


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{where} is no JSON: {error}") from None


def _row(at: int, row: Any, config: CaTConfig) -> dict[str, Any]:
    columns = {config.prompt: row} if isinstance(row, str) else dict(row)
    if config.prompt not in columns:
        raise InvalidInputError(
            f"row {at} has the columns {sorted(columns)} and no {config.prompt!r}; name the column"
            " with the prompts in `prompt`"
        )
    chat = _chat(columns.pop(config.prompt), config)
    check_prompt(chat)
    answer = columns.get(config.reward.answer)
    if isinstance(answer, int | float):
        columns[config.reward.answer] = str(answer)
    return {"prompt": chat, **columns}


def _chat(prompt: Any, config: CaTConfig) -> list[dict[str, Any]]:
    if not isinstance(prompt, str):
        return [dict(message) for message in prompt]
    system = [{"role": "system", "content": config.system}] if config.system else []
    return [*system, {"role": "user", "content": prompt + config.suffix}]


def _named(source: Rows) -> str:
    return repr(source) if isinstance(source, str | Path) else "the data"
