"""Reader for `catsdk rubric judge --out`: judged groups, one per file."""

from __future__ import annotations

import json
from pathlib import Path

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Usage
from catsdk.rubrics.judged import Judged
from catsdk.view.entry import Entry
from catsdk.view.runs.run import About, News, Run

__all__ = ["JudgedRun", "is_judged"]

_MOST_BYTES = 64_000_000


def is_judged(path: Path) -> bool:
    """Tell whether a file holds a judged group.

    Args:
        path: A JSON file.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            return False
        data = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and {"rubric", "group", "scores"} <= data.keys()


class JudgedRun(Run):
    """The judged groups of one folder."""

    def __init__(self, path: Path) -> None:
        """Choose the folder."""
        super().__init__(path)
        self._known: dict[str, int] = {}
        self._usage: dict[str, Usage] = {}
        self._problems: dict[str, str] = {}

    def news(self) -> News:
        """The files that are new or were rewritten."""
        for path in sorted(self.path.glob("*.json")):
            mark = path.stat().st_mtime_ns
            if self._known.get(path.name) == mark or not is_judged(path):
                continue
            self._known[path.name] = mark
            try:
                judged = Judged.load(path)
            except InvalidInputError as error:
                self._problems[path.name] = str(error)
                continue
            self._problems.pop(path.name, None)
            self._usage[path.name] = judged.usage
            yield path.name, _entry(judged, path).outline

    def entry(self, place: str) -> Entry | None:
        """The group in that file."""
        path = self.path / place
        try:
            return _entry(Judged.load(path), path)
        except InvalidInputError:
            return None

    def about(self) -> About:
        """The usage of the judging."""
        return About(
            kind="rubric",
            title=self.path.name,
            data=f"{len(self._usage)} judged groups",
            usage=Usage.total(self._usage.values()),
            problems=tuple(self._problems.values()),
        )


def _entry(judged: Judged, path: Path) -> Entry:
    return Entry(
        id=path.stem,
        prompt=judged.group.prompt,
        group=judged.group,
        scores=judged.scores,
        rubrics=(judged.rubric,),
    )
