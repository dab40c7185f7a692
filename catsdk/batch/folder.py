"""The output folder of a batch: the manifest, which fixes the plan, and the files of results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from catsdk.batch.estimates import Estimate
from catsdk.batch.plan import Plan
from catsdk.batch.summary import Summary
from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.data.writing import writing

__all__ = ["BATCHES", "ESTIMATE", "FAILED", "STORE", "Failures", "Folder"]

BATCHES = "batches.sqlite"
STORE, MANIFEST, FAILED = "run.sqlite", "manifest.json", "failed.jsonl"
ESTIMATE = "estimate.json"


class Folder:
    """Where a batch writes.

    Args:
        path: The folder; it is made where it is not there.
        plan: What is made of each row.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        """Choose the folder; nothing is read or written."""
        self.path, self.plan = path, plan

    @property
    def store(self) -> Path:
        """The file of the run store."""
        return self.path / STORE

    def claim(self, *, empty: bool) -> None:
        """Make the manifest, or check that it was made by the same plan.

        Args:
            empty: Whether nothing was paid for yet, so that any plan may begin.

        Raises:
            InvalidInputError: the folder holds results of another plan; the message says what
                differs.
            ConfigurationError: the folder cannot be made or written to.
        """
        there = self._manifest()
        if there is None or empty:
            self._write(self._described())
            return
        old, new = _plan_in(there), dict(self.plan.data)
        differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        if differing:
            name = differing[0]
            what = f"{name} was {old.get(name)!r}, and is {new.get(name)!r} now"
            if name == "method":
                what = f"the method was {there.get('method')}, and is {self.plan.cat!r} now"
            raise InvalidInputError(
                f"{self.path} holds results of another plan: {what:.600}. Write to another folder,"
                " or use the earlier plan"
            )

    def close(self, source: str, summary: Summary, files: Iterable[Path]) -> None:
        """Write down how it ended.

        Args:
            source: What the rows were read from.
            summary: What became of them.
            files: The files of results.

        Raises:
            ConfigurationError: the folder cannot be written to.
        """
        counts = {name: getattr(summary, name) for name in ("rows", *Summary.model_fields)}
        usage = summary.usage.model_dump(mode="json")
        self._write(
            {
                **self._described(),
                "source": source,
                "rows": {**counts, "usage": usage},
                "files": [path.name for path in files],
            }
        )

    def keep_estimate(self, estimate: Estimate) -> None:
        """Write down what the rows to come were estimated to consume, to be compared later.

        Args:
            estimate: The estimate.

        Raises:
            ConfigurationError: the folder cannot be written to.
        """
        # Bounds may be infinite, which pydantic's own JSON cannot express.
        self._replace(ESTIMATE, json.dumps(estimate.model_dump(), indent=1) + "\n")

    def failures(self) -> Failures:
        """Begin `failed.jsonl` anew; the old one stays until the new one is whole.

        Raises:
            ConfigurationError: the folder cannot be written to.
        """
        return Failures(self.path / FAILED)

    def _described(self) -> dict[str, Any]:
        described: dict[str, Any] = {"plan": dict(self.plan.data), "method": repr(self.plan.cat)}
        # A model that is an object has no name that could be written.
        with suppress(InvalidInputError):
            described["cat"] = self.plan.cat.to_data()
        return described

    def _manifest(self) -> dict[str, Any] | None:
        path = self.path / MANIFEST
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
        try:
            manifest: object = json.loads(text)
        except ValueError:
            manifest = None
        if not isinstance(manifest, dict) or "plan" not in manifest:
            raise InvalidInputError(f"{path} is not a batch's manifest; write to another folder")
        return cast("dict[str, Any]", manifest)

    def _write(self, manifest: Mapping[str, Any]) -> None:
        text = json.dumps(manifest, ensure_ascii=False, indent=1, default=str) + "\n"
        self._replace(MANIFEST, text)

    def _replace(self, name: str, text: str) -> None:
        """Write a file atomically: completely, or the old one remains."""
        new = self.path / f"{name}.new"
        with writing(self.path / name):
            self.path.mkdir(parents=True, exist_ok=True)
            new.write_text(text, encoding="utf-8", errors="backslashreplace")
            new.replace(self.path / name)


class Failures:
    """A file with a line for each row that has no result.

    Args:
        path: The file; it is replaced by `finish`.
    """

    def __init__(self, path: Path) -> None:
        """Begin without a line."""
        self.path, self._new = path, path.with_name(f"{path.name}.new")
        with writing(path):
            self._lines = self._new.open("w", encoding="utf-8", errors="backslashreplace")

    def add_all(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write lines.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        with writing(self.path):
            for line in lines:
                self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")

    def finish(self) -> None:
        """Put the file in the place of the old one.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        with writing(self.path):
            self._lines.close()
            self._new.replace(self.path)


def _plan_in(manifest: Mapping[str, Any]) -> dict[str, Any]:
    plan: object = manifest["plan"]
    return cast("dict[str, Any]", plan) if isinstance(plan, dict) else {}
