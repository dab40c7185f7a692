"""Writes the observations of items to Parquet files of a bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from catsdk.core.types import Group, Usage
from catsdk.data.parquet import pyarrow_or_raise, utf8, write_rows
from catsdk.evaluate.observations import Observation, Seen
from catsdk.evaluate.packages import PARQUET, check_packages

__all__ = ["ITEMS", "ItemFiles", "read_seen", "seen_of"]

ITEMS: Final = "items-*.parquet"
MOST_ITEMS: Final = 500
MOST_CHARACTERS: Final = 32_000_000


class ItemFiles:
    """Writes `items-00000.parquet`, `items-00001.parquet` ... while an evaluation goes on.

    A row is an item. Its columns are for people: the question, the known answers, every rollout
    with its answer and grade, the majority, and what each estimator made of the first G rollouts.
    The column `seen` has the rest of a `Seen` as JSON: calls, provenance, reasons. Sub-samples
    after the first and log-probabilities are left out, so that a file has a bounded size.

    Args:
        folder: Where the files are; it is made where it is not there. Those of an earlier run are
            replaced one by one, and what is left of them is removed at the end.
        items: The most items of a file.
        characters: About how many characters a file holds; one item may have more.

    Raises:
        MissingExtraError: pyarrow is not installed.

    Example:
        >>> from pathlib import Path
        >>> import catsdk as cat
        >>> from catsdk.evaluate import ItemFiles, Seen, item_of, read_seen
        >>> seen = Seen(item=item_of("6*7?", "42"), group=cat.group_of("6*7?", ["42"]))
        >>> files = ItemFiles(Path("out"))
        >>> files.add(seen)
        >>> paths = files.finish()
        >>> next(read_seen(paths[0])) == seen
        True
    """

    def __init__(
        self, folder: Path, *, items: int = MOST_ITEMS, characters: int = MOST_CHARACTERS
    ) -> None:
        """Start without a file."""
        _parquet()
        self.folder, self._items, self._characters = folder, items, characters
        self._seen: list[Seen] = []
        self._held = self._count = 0
        # Writes in a thread of its own, so that the event loop does not wait for the disk.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="items")
        self._writing: list[Future[Path]] = []

    def add(self, seen: Seen) -> None:
        """Take in an item; a full file is written in a thread.

        Args:
            seen: What was seen of it.

        Raises:
            ConfigurationError: an earlier file could not be written: the disk is full or fails.
        """
        self._raise_failure()
        self._seen.append(seen)
        self._held += _length(seen)
        if len(self._seen) >= self._items or self._held >= self._characters:
            self._hand_over()

    def finish(self) -> list[Path]:
        """Write what is left, and remove what an earlier run wrote beyond it.

        Returns:
            The files.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        if self._seen:
            self._hand_over()
        self._writer.shutdown()
        written = [each.result() for each in self._writing]
        for path in set(self.folder.glob(ITEMS)) - set(written):
            path.unlink()
        return written

    def _raise_failure(self) -> None:
        for each in self._writing:
            if each.done() and each.exception() is not None:
                each.result()

    def _hand_over(self) -> None:
        path = self.folder / ITEMS.replace("*", f"{self._count:05}")
        self._writing.append(self._writer.submit(_write, path, self._seen))
        self._seen, self._held, self._count = [], 0, self._count + 1


def _length(seen: Seen) -> int:
    """The approximate number of characters of an item."""
    references = [each for sizes in seen.references.values() for each in sizes.values()]
    texts = [rollout.text for rollout in seen.group.rollouts]
    return sum(map(len, texts)) + sum(len(each.text) for each in references)


def _write(path: Path, items: Sequence[Seen]) -> Path:
    write_rows(path, [_row(seen) for seen in items], _schema(), group=100)
    return path


def read_seen(path: Path) -> Iterator[Seen]:
    """Read what was seen of each item of a file.

    Args:
        path: A file that `ItemFiles` wrote.

    Yields:
        The items, one by one; observations are those of the first sub-sample.

    Raises:
        MissingExtraError: pyarrow is not installed.

    Example:
        >>> from pathlib import Path
        >>> import catsdk as cat
        >>> from catsdk.evaluate import ItemFiles, Seen, item_of, read_seen
        >>> files = ItemFiles(Path("out"))
        >>> files.add(Seen(item=item_of("6*7?", "42"), group=cat.group_of("6*7?", ["42"])))
        >>> [seen.item.gold for path in files.finish() for seen in read_seen(path)]
        ['42']
    """
    with _parquet().ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=100, columns=["rollouts", "seen"]):
            for row in batch.to_pylist():
                yield seen_of(row)


def seen_of(row: dict[str, Any]) -> Seen:
    """What was seen of an item, from the columns `rollouts` and `seen` of its row."""
    # The texts of the rollouts have a column of their own.
    seen = json.loads(row["seen"])
    texts = {each["index"]: each["text"] for each in row["rollouts"]}
    for rollout in seen["group"]["rollouts"]:
        rollout["completion"]["text"] = texts[rollout["index"]]
    return Seen.model_validate(seen)


def _row(seen: Seen) -> dict[str, Any]:
    references = [each for sizes in seen.references.values() for each in sizes.values()]
    evidence = max(references, key=lambda each: len(each.group.rollouts), default=None)
    first = [each for each in seen.observations if each.draw == 0]
    used = Usage.total(call.usage for call in seen.group.calls)
    used += Usage.total(call.usage for each in references for call in each.calls)
    return {
        "item": utf8(seen.item.id),
        "question": utf8(seen.group.question or seen.item.prompt[-1].text),
        "gold": [utf8(each) for each in seen.item.accepted],
        "rollouts": [
            {
                "index": each.index,
                "text": utf8(each.text),
                "answer": utf8(each.answer),
                "rule": each.answer_rule,
                "grade": seen.scores.get(each.index),
                "finish_reason": each.completion.finish_reason,
            }
            for each in seen.group.rollouts
        ],
        "failed": len(seen.group.failures),
        "majority": utf8(evidence.majority) if evidence else None,
        "agreement": evidence.agreement if evidence else None,
        "estimators": [_made(seen, each) for each in first],
        "tokens": used.tokens,
        "cost": used.cost,
        "seen": _rest(seen, first),
    }


def _made(seen: Seen, observation: Observation) -> dict[str, Any]:
    reference = seen.references.get(observation.estimator, {}).get(observation.size)
    failure = observation.failure or observation.ungraded
    return {
        **observation.graded,
        "answer": utf8(observation.answer),
        "text": utf8(reference.text) if reference else None,
        "failure": utf8(str(failure)) if failure else None,
    }


def _rest(seen: Seen, first: list[Observation]) -> str:
    """The data that no other column holds, as JSON, without repeating the rollouts."""
    bare = Group(prompt=(), rollouts=())
    kept = seen.model_copy(
        update={
            "observations": tuple(first),
            "references": {
                name: {size: ref.model_copy(update={"group": bare}) for size, ref in sizes.items()}
                for name, sizes in seen.references.items()
            },
        }
    )
    data = kept.model_dump(mode="json")
    for rollout in data["group"]["rollouts"]:
        rollout["completion"] |= {"text": "", "logprobs": None}
    return json.dumps(data)


def _parquet() -> Any:
    check_packages(PARQUET)
    return pyarrow_or_raise()[1]


def _schema() -> Any:
    pa, _ = pyarrow_or_raise()
    text, whole, number, flag = pa.string(), pa.int64(), pa.float64(), pa.bool_()
    rollout = {
        "index": whole, "text": text, "answer": text, "rule": text, "grade": number,
        "finish_reason": text,
    }  # fmt: skip
    made = {
        "estimator": text, "size": whole, "answer": text, "text": text, "score": number,
        "departs": flag, "tied": flag, "majority_score": number, "all_wrong": flag,
        "failure": text,
    }  # fmt: skip
    columns = {
        "item": text, "question": text, "gold": pa.list_(text),
        "rollouts": pa.list_(pa.struct(list(rollout.items()))), "failed": whole, "majority": text,
        "agreement": number, "estimators": pa.list_(pa.struct(list(made.items()))),
        "tokens": whole, "cost": number, "seen": text,
    }  # fmt: skip
    return pa.schema(list(columns.items()))
