"""Reader for results as JSON, from a gateway's store or a file of JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from catsdk.core.types import Failure, Result, Usage
from catsdk.view.entry import Entry, entry_of
from catsdk.view.runs.run import About, News, Run
from catsdk.view.runs.store_file import StoreFile

__all__ = ["KeptRun", "LinesRun", "is_results"]

_LINE = 16_000_000


class KeptRun(Run):
    """The run store of a gateway, with the results that its clients asked it to keep."""

    def __init__(self, path: Path) -> None:
        """Choose the file."""
        super().__init__(path)
        self._store, self._at = StoreFile(path), 0

    def news(self) -> News:
        """The results that were stored since the last call."""
        for at, key, value in self._store.after("product", self._at):
            self._at = at
            yield key, _entry(value, key).outline

    def entry(self, place: str) -> Entry | None:
        """The result under that key."""
        value = self._store.get("product", place)
        return None if value is None else _entry(value, place)

    def about(self) -> About:
        """The facts about the file."""
        return About(kind="results", title=self.path.name, data="results that a gateway kept")


class LinesRun(Run):
    """A file with a `Result` as JSON on each line, as `model_dump_json` writes it."""

    def __init__(self, path: Path) -> None:
        """Choose the file."""
        super().__init__(path)
        self._read, self._count = 0, 0
        self._usage = Usage()

    def news(self) -> News:
        """The complete lines that were added since the last call."""
        if self.path.stat().st_size < self._read:
            self._read = self._count = 0
            self._usage = Usage()
        for place, line in self._lines():
            entry = _entry(line, f"{self._count}")
            self._count += 1
            self._usage += Usage.total(call.usage for call in entry.all_calls)
            yield str(place), entry.outline

    def _lines(self) -> Iterator[tuple[int, str]]:
        with self.path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                place, self._read = self._read, self._read + len(line)
                if line.strip():
                    yield place, line.decode("utf-8", "replace")

    def entry(self, place: str) -> Entry | None:
        """The result in the line that begins at that offset."""
        with self.path.open("rb") as file:
            file.seek(int(place))
            line = file.readline().decode("utf-8", "replace")
        return _entry(line, place) if line.strip() else None

    def about(self) -> About:
        """The usage of all results together."""
        return About(
            kind="results", title=self.path.name, data="results as JSON lines", usage=self._usage
        )


def is_results(path: Path) -> bool:
    """Tell whether the first line of a file is a `Result`.

    Args:
        path: A file of JSON lines.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_LINE)
        result = Result.model_validate_json(line)
    except (OSError, ValidationError):
        return False
    return result.group is not None or result.failure is not None


def _entry(text: str, id: str) -> Entry:
    try:
        return entry_of(Result.model_validate_json(text), id)
    except ValidationError as error:
        cause = Failure(kind="Unreadable", message=str(error).split("\n")[0])
        return Entry(id=id, failure=cause)
