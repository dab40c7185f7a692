"""Rows of prompts from JSONL files, the Hugging Face hub, data sets or lists, and their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, cast

from datasets import Dataset, IterableDataset, load_dataset

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk_trainers.config.settings import CaTConfig

__all__ = ["Rows", "fingerprint", "order", "rows_of", "training_rows"]

Rows: TypeAlias = str | Path | Sequence[str | Mapping[str, Any]] | Dataset
"""A path of a JSONL file, `hf:NAME[:SPLIT]`, a data set, or a list of prompts or rows."""

HUB = "hf:"


def rows_of(source: Rows, config: CaTConfig) -> list[dict[str, Any]]:
    """Read `source` into rows whose `prompt` is a chat; the other columns stay.

    Raises:
        InvalidInputError: the source cannot be read, has no row, or a row has no prompt.
    """
    rows = [_row(where, row, config) for where, row in _raw(source)]
    if not rows:
        raise InvalidInputError(f"{_named(source)} has no rows")
    return rows


def training_rows(given: Rows | None, config: CaTConfig) -> list[dict[str, Any]]:
    """The rows that were `given`, else those that the config names.

    Raises:
        InvalidInputError: there are neither, or as for `rows_of`.
    """
    source = config.data if given is None else given
    if source is None:
        raise InvalidInputError(
            "there is no data: set `data` in the config, or give it (--data FILE)"
        )
    return rows_of(source, config)


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


def _raw(source: Rows) -> Iterable[tuple[str, Any]]:
    """The rows as they are, each with where it stands."""
    if isinstance(source, str | Path) and not str(source).startswith(HUB):
        return _from_file(Path(source))
    if isinstance(source, IterableDataset):
        raise InvalidInputError("a streaming data set has no order to resume; load it whole")
    rows = _from_hub(source) if isinstance(source, str) else cast("Sequence[Any]", source)
    return ((f"row {at} (the first is 0)", row) for at, row in enumerate(rows))


def _from_hub(source: str) -> Sequence[Any]:
    name, _, split = source.removeprefix(HUB).partition(":")
    try:
        return load_dataset(name, split=split or "train")  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        told = str(error).partition("\n")[0]
        raise InvalidInputError(
            f"the data {source!r} cannot be loaded ({type(error).__name__}: {told}); give a JSONL"
            " file, or hf:NAME[:SPLIT] of a data set that is here or on the hub"
        ) from error


def _from_file(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        # Not by splitlines, which also splits at characters that may stand inside a JSON text.
        lines = path.expanduser().read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the data {path} cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield where, _parsed(line, where)


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{where} is no JSON: {error}") from None


def _row(where: str, row: Any, config: CaTConfig) -> dict[str, Any]:
    if not isinstance(row, str | Mapping):
        raise InvalidInputError(
            f"{where} is {str(row)[:80]!r}; give a text, or columns with a {config.prompt!r}"
        )
    columns = {config.prompt: row} if isinstance(row, str) else dict(row)
    if config.prompt not in columns:
        raise InvalidInputError(
            f"{where} has the columns {sorted(columns)} and no {config.prompt!r}; name the column"
            " with the prompts in `prompt`"
        )
    prompt = columns.pop(config.prompt)
    try:
        check_prompt(prompt)
    except InvalidInputError as error:
        raise InvalidInputError(f"{where}: {error}") from None
    answer = columns.get(config.evaluation.answer)
    if isinstance(answer, int | float):
        columns[config.evaluation.answer] = str(answer)
    return {"prompt": _chat(prompt, config), **columns}


def _chat(prompt: Any, config: CaTConfig) -> list[dict[str, Any]]:
    if not isinstance(prompt, str):
        return [_present(message) for message in prompt]
    system = [{"role": "system", "content": config.system}] if config.system else []
    return [*system, {"role": "user", "content": prompt + config.suffix}]


def _present(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without the keys that a table added for the sake of others, with `None` in them."""
    return {name: value for name, value in message.items() if value is not None}


def _named(source: Rows) -> str:
    return repr(source) if isinstance(source, str | Path) else "the data"
