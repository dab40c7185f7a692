"""Reader for `catsdk eval`: the items in Parquet files or, until it ends, in the run store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from catsdk.core.installing import install_command
from catsdk.core.types import Group, Provenance, Reference, Rubric, Score
from catsdk.evaluate.item_files import ITEMS, seen_of
from catsdk.evaluate.observations import Observation, Seen
from catsdk.view.entry import Entry, Made, without_group
from catsdk.view.outline import MadeOutline, Outline
from catsdk.view.runs.run import About, News, Run
from catsdk.view.runs.store_file import StoreFile

__all__ = ["EvalRun"]

REPORT, STORE = "report.json", "run.sqlite"
_LISTED = (
    "item", "question", "gold", "rollouts", "failed", "majority", "agreement", "estimators",
    "tokens", "cost",
)  # fmt: skip


class EvalRun(Run):
    """An evaluation; its store is read while it runs, and its Parquet files afterwards."""

    def __init__(self, path: Path) -> None:
        """Choose the folder."""
        super().__init__(path)
        self._store = StoreFile(path / STORE)
        self._files: dict[str, tuple[int, int]] = {}
        self._at: dict[str, int] = {"rollout": 0, "reference": 0, "verdict": 0}

    @property
    def _finished(self) -> bool:
        return (self.path / REPORT).is_file()

    @property
    def _has_files(self) -> bool:
        return self._finished and any(self.path.glob(ITEMS)) and _can_read()

    def count(self) -> int | None:
        """The number of rows in all Parquet files, once it has finished."""
        if not self._has_files:
            return None
        files = import_module("pyarrow.parquet")
        return sum(int(files.read_metadata(each).num_rows) for each in self.path.glob(ITEMS))

    def news(self) -> News:
        """The rows of new Parquet files or, without any, the items with news in the store."""
        if self._has_files:
            yield from self._from_files()
        elif self._store.there:
            yield from self._from_store()

    def _from_files(self) -> News:
        for path in sorted(self.path.glob(ITEMS)):
            state = path.stat()
            mark = (state.st_mtime_ns, state.st_size)
            if self._files.get(path.name) != mark:
                yield from _outlines(path)
                self._files[path.name] = mark

    def _from_store(self) -> News:
        changed: dict[str, None] = {}
        reached = dict(self._at)
        for kind, parts in (("rollout", 1), ("verdict", 2), ("reference", 3)):
            for at, key in self._store.keys_after(kind, reached[kind]):
                reached[kind] = at
                changed[_item_of(key, kind, parts)] = None
        for id in changed:
            try:
                outline = self._kept(id).outline
            except ValueError as error:
                outline = Outline(id=id, failure=f"Unreadable: {str(error).splitlines()[0]}")
            yield f"\0{id}", outline
        self._at = reached

    def entry(self, place: str) -> Entry | None:
        """Read one item, from its file plus the grades in the store, or from the store alone."""
        name, _, at = place.partition("\0")
        if not name:
            return self._kept(at)
        path = self.path / name
        if not path.is_file():
            return None
        return self._of(_seen_at(path, int(at)))

    def about(self) -> About:
        """The report, once there is one."""
        problems: list[str] = []
        if any(self.path.glob(ITEMS)) and not _can_read():
            problems.append(f"the items are Parquet files: {install_command('evaluate')}")
        report: dict[str, Any] = {}
        if self._finished:
            try:
                report = json.loads((self.path / REPORT).read_text("utf-8"))
            except (OSError, ValueError) as error:
                problems.append(f"{REPORT} cannot be read: {error}")
        stored = self._store.there
        return About(
            kind="eval",
            title=str(report.get("title") or self.path.name),
            data=str(report.get("data", "")),
            running=not report,
            usage=self._store.usage() if stored else None,
            models=report.get("models", {}),
            settings=report.get("settings", {}),
            report=report or None,
            problems=tuple(problems),
        )

    def _of(self, seen: Seen) -> Entry:
        item = seen.item
        rubric = Rubric(criteria=item.criteria, provenance=Provenance(method="data set"))
        return Entry(
            id=item.id,
            prompt=item.prompt,
            gold=item.accepted,
            group=seen.group,
            grades=seen.scores,
            made=tuple(_made(seen, each) for each in seen.observations),
            scores=self._graded(item.id),
            rubrics=(rubric,) if item.criteria else (),
        )

    def _kept(self, id: str) -> Entry:
        """An item as the store has it, which is without the known answer."""
        parts = [
            Group.model_validate(_readable(json.loads(value)))
            for key, value in self._store.below("rollout", id)
            if key.rpartition("/")[0] == id
        ]
        group = Group(
            prompt=parts[0].prompt if parts else (),
            rollouts=tuple(rollout for part in parts for rollout in part.rollouts),
            failures={at: each for part in parts for at, each in part.failures.items()},
            calls=tuple(call for part in parts for call in part.calls),
        )
        scores = self._graded(id)
        grades = {score.index: score.value for score in scores if score.value is not None}
        return Entry(
            id=id,
            prompt=group.prompt,
            group=group,
            grades=grades,
            made=tuple(self._made_of(id)),
            scores=scores,
        )

    def _made_of(self, id: str) -> Iterator[Made]:
        graded = {
            key: Score.model_validate_json(value)
            for key, value in self._store.below("verdict", id)
            if _item_of(key, "verdict", 2) == id
        }
        for key, value in self._store.below("reference", id):
            item, name, size, draw = key.rsplit("/", 3)
            if item != id or draw != "0":
                continue
            reference = Reference.model_validate(_readable(json.loads(value)))
            score = graded.get(key)
            yield Made(
                estimator=name,
                size=int(size),
                reference=without_group(reference),
                score=None if score is None else score.value,
                failure=None if score is None else score.failure,
                departs=reference.disagrees,
            )

    def _graded(self, id: str) -> tuple[Score, ...]:
        """The grades of the rollouts with their reasons, which only the store has."""
        if not self._store.there:
            return ()
        found: list[Score] = []
        for key, value in self._store.below("verdict", f"{id}/rollout"):
            item, _, index = key.rpartition("/")
            if item == f"{id}/rollout" and index.isdecimal():
                score = Score.model_validate_json(value)
                found.append(score.model_copy(update={"index": int(index)}))
        return tuple(sorted(found, key=lambda score: score.index))


def _can_read() -> bool:
    return find_spec("pyarrow") is not None


def _item_of(key: str, kind: str, parts: int) -> str:
    """The item of an entry; keys are read from the end, because ids may contain slashes."""
    if kind == "verdict":
        head, _, _ = key.rpartition("/")
        return head.removesuffix("/rollout") if head.endswith("/rollout") else key.rsplit("/", 3)[0]
    return key.rsplit("/", parts)[0]


def _made(seen: Seen, observation: Observation) -> Made:
    reference = seen.references.get(observation.estimator, {}).get(observation.size)
    return Made(
        **observation.graded,
        reference=None if reference is None else without_group(reference),
        failure=observation.failure or observation.ungraded,
    )


def _outlines(path: Path) -> News:
    with import_module("pyarrow.parquet").ParquetFile(path, pre_buffer=False) as file:
        at = 0
        for batch in file.iter_batches(batch_size=500, columns=list(_LISTED)):
            for row in batch.to_pylist():
                yield f"{path.name}\0{at}", _outline(row)
                at += 1


def _outline(row: dict[str, Any]) -> Outline:
    rollouts = row["rollouts"]
    return Outline(
        id=row["item"],
        question=row["question"],
        gold=tuple(row["gold"]),
        texts=tuple(each["text"] for each in rollouts),
        answers=tuple(each["answer"] for each in rollouts),
        grades=tuple(each["grade"] for each in rollouts),
        majority=row["majority"],
        agreement=row["agreement"],
        made=tuple(_made_outline(each) for each in row["estimators"]),
        failed_rollouts=row["failed"],
        tokens=row["tokens"],
        cost=row["cost"],
    )


def _made_outline(row: dict[str, Any]) -> MadeOutline:
    fields: dict[str, Any] = {**row, "text": row["text"] or ""}
    return MadeOutline(**fields)


def _seen_at(path: Path, at: int) -> Seen:
    """Read one row, without reading the row groups before it."""
    with import_module("pyarrow.parquet").ParquetFile(path, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if at < count:
                table = file.read_row_group(group, columns=["rollouts", "seen"]).slice(at, 1)
                return seen_of(table.to_pylist()[0])
            at -= count
    raise IndexError(f"{path} has no such row")


def _readable(data: dict[str, Any]) -> dict[str, Any]:
    """A stored value plus the kinds of its messages' parts, which the store leaves out."""
    for message in data.get("group", data).get("prompt", ()):
        if isinstance(message.get("content"), list):
            for part in message["content"]:
                part.setdefault("type", "text" if "text" in part else "image")
    return data
