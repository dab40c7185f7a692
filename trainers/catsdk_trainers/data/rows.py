"""Rows of prompts for training and evaluation, in the form that TRL expects, and their order."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Any

from datasets import IterableDataset

from catsdk.core.errors import InvalidInputError
from catsdk.data.columns import GOLDS, Columns, prompt_in
from catsdk.data.rows import Row
from catsdk.data.sources import Source, named, read_rows
from catsdk_trainers.config.settings import CaTConfig

__all__ = [
    "answer_column",
    "both_rows",
    "fingerprint",
    "held_out_rows",
    "order",
    "rows_of",
    "training_rows",
    "values_of",
]

_LOG = logging.getLogger(__name__)

_TRAINING = ("train",)
_HELD_OUT = ("test", "validation")


def rows_of(source: Source, config: CaTConfig) -> list[dict[str, Any]]:
    """Return the rows of a source, each with its `prompt` as a chat; other columns are kept.

    Args:
        source: Any source for `catsdk.data.read_rows`; of several splits, `train` is used.
        config: Names the column of prompts, and the texts to put before and after them.

    Raises:
        InvalidInputError: the source cannot be read, has no rows, or a row has no prompt.

    Example:
        >>> from catsdk.train import CaTConfig, rows_of
        >>> rows_of(["6*7?"], CaTConfig(model="m", suffix=" Be short."))
        [{'prompt': [{'role': 'user', 'content': '6*7? Be short.'}]}]
    """
    return values_of(_rows(source, config, _TRAINING))


def values_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The values of the rows, without their places."""
    return [dict(row.values) for row in rows]


def training_rows(given: Source | None, config: CaTConfig) -> list[Row]:
    """The rows that were `given`, or else those named by the config, each with its place.

    Raises:
        InvalidInputError: there are none, or as for `rows_of`.
    """
    source = config.data if given is None else given
    if source is None:
        raise InvalidInputError(
            "there is no data: set `data` in the config, or give it (--data FILE)"
        )
    return _rows(source, config, _TRAINING)


def held_out_rows(given: Source | None, config: CaTConfig) -> list[Row]:
    """The same as `training_rows` for held-out data, which may be missing.

    Of several splits, `test` or `validation` is used.
    """
    source = config.held_out if given is None else given
    if source is None or not config.evaluation.every:
        return []
    return _rows(source, config, _HELD_OUT)[: config.evaluation.prompts]


def both_rows(
    data: Source | None, held_out: Source | None, config: CaTConfig
) -> tuple[list[Row], list[Row]]:
    """The `training_rows` and the `held_out_rows`; logs a warning if they share prompts."""
    rows, tests = training_rows(data, config), held_out_rows(held_out, config)
    trained = {repr(row.values["prompt"]) for row in rows}
    shared = [row for row in tests if repr(row.values["prompt"]) in trained]
    if shared:
        _LOG.warning(
            "before training: %d of %d held-out prompts are training prompts too, the first at %s:"
            " results on them say nothing about other questions. Keep the two apart, unless"
            " only these questions matter",
            len(shared),
            len(tests),
            shared[0].place,
        )
    return rows, tests


def answer_column(rows: Sequence[Row], config: CaTConfig) -> str:
    """The column with known answers: the one in the config, or else the first usual name found.

    Raises:
        InvalidInputError: the config names a column that no row has.
    """
    wanted = Columns(prompt="prompt", gold=config.evaluation.answer)
    return wanted.found_in(rows, "the held-out data").gold or GOLDS[0]


def order(rows: int, wanted: int, seed: int) -> list[int]:
    """`wanted` positions of `rows` rows: shuffled passes over all of them, one after another.

    The first n do not depend on how many are wanted, so that a run can be resumed or extended.
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


def _rows(source: Source, config: CaTConfig, splits: Sequence[str]) -> list[Row]:
    if isinstance(source, IterableDataset):
        raise InvalidInputError("a streaming data set has no fixed order to resume; load all of it")
    wanted = Columns(prompt=config.prompt)
    rows = read_rows(source, splits=splits, text=wanted.text)
    column = wanted.found_in(rows, named(source)).text
    return [_row(row, column, config) for row in rows]


def _row(row: Row, column: str, config: CaTConfig) -> Row:
    chat = _chat(prompt_in(row, column), config)
    others = {name: cell for name, cell in row.values.items() if name not in (column, "prompt")}
    return Row(row.place, {"prompt": chat, **others})


def _chat(prompt: Any, config: CaTConfig) -> list[dict[str, Any]]:
    if not isinstance(prompt, str):
        return [dict(message) for message in prompt]
    system = [{"role": "system", "content": config.system}] if config.system else []
    return [*system, {"role": "user", "content": prompt + config.suffix}]
