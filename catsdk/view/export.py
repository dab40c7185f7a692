"""Export a folder's viewer as one HTML file, which says what it leaves out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from catsdk.core.display.counting import counted
from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.view.filters import names_of
from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.queries import Asked, contenders, page
from catsdk.view.questions import answer, as_text
from catsdk.view.site.page import page_of

__all__ = ["export_page"]

MOST_BYTES: Final = 24_000_000
MOST_ROWS: Final = 2_000
"""The most rows of a run's list; how many items have all their evidence depends on the space."""


def export_page(folder: str | Path, path: str | Path, *, most_bytes: int = MOST_BYTES) -> str:
    r"""Write a folder's viewer to one self-contained HTML file.

    It has every run, the first 2,000 rows of each list, and as many items with all their evidence
    as fit: first those whose reference disagrees with the majority, then the others in order.

    Args:
        folder: A folder that catsdk wrote.
        path: The file; an existing file is replaced.
        most_bytes: Approximate limit on its data, in bytes.

    Returns:
        A sentence that says what was written and what was left out; the page says it too.

    Raises:
        InvalidInputError: there is no such folder, or no run in it.
        ConfigurationError: the file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> import catsdk as cat
        >>> from catsdk.view import export_page
        >>> result = cat.Result(group=cat.group_of("6*7?", ["42", "41"]))
        >>> written = Path("results.jsonl").write_text(result.model_dump_json() + "\n")
        >>> export_page(".", "page.html")
        'page.html: 1 run, 1 item; nothing is left out'
    """
    with TemporaryDirectory(prefix="catsdk-view-") as place:
        index = Index(Path(place) / "index.sqlite")
        try:
            library = Library(Path(folder), index)
            library.refresh()
            if not library.runs:
                raise InvalidInputError(f"there are no catsdk runs in {folder}")
            held = _Held(most_bytes)
            for name in library.runs:
                held.lists(library, name)
            for name in library.runs:
                held.items(library, name)
        finally:
            index.close()
    data = {"runs": answer_runs(held), "of": held.of, "left_out": held.left_out}
    text = page_of(as_text(data)).text
    try:
        Path(path).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}") from error
    runs, items = len(held.of), held.count
    told = f"{counted(runs, 'run')}, {counted(items, 'item')}"
    return f"{path}: {told}; {held.left_out or 'nothing is left out'}"


def answer_runs(held: _Held) -> dict[str, Any]:
    """The list of runs, as the page holds it."""
    return {"root": held.root, "ready": True, "runs": held.runs}


class _Held:
    """The data that the page will hold, counted as it grows."""

    def __init__(self, most_bytes: int) -> None:
        self.room = most_bytes
        self.of: dict[str, dict[str, Any]] = {}
        self.runs: list[dict[str, Any]] = []
        self.root = ""
        self.count = 0
        self.rows_out = self.items_out = 0

    @property
    def left_out(self) -> str:
        """What the page leaves out, as a sentence; empty if nothing is left out."""
        parts: list[str] = []
        if self.rows_out:
            parts.append(f"{counted(self.rows_out, 'row')} of lists")
        if self.items_out:
            parts.append(f"the evidence of {counted(self.items_out, 'item')}")
        if not parts:
            return ""
        told = " and ".join(parts)
        return f"left out, to keep this file small: {told}"

    def lists(self, library: Library, name: str) -> None:
        """Add the facts of a run, and the rows of its list for every estimator."""
        told = answer(library, "runs", {})
        self.root = told["root"]
        self.runs = [{**run, "running": False, "indexed": True} for run in told["runs"]]
        run = {**answer(library, "run", {"run": name}), "running": False, "indexed": True}
        rows = {by: _rows(library, name, by) for by in contenders(library.index, name) or [""]}
        training = answer(library, "training", {"run": name})
        money = answer(library, "money", {"run": name})
        compare = (
            answer(library, "compare", {"left": name, "right": name}) if run["contenders"] else None
        )
        part = {"run": run, "rows": rows, "training": training, "money": money, "compare": compare}
        self.rows_out += max(0, run["items"] - MOST_ROWS)
        self.room -= len(as_text(part))
        self.of[name] = {**part, "items": {}}

    def items(self, library: Library, name: str) -> None:
        """Add the evidence of as many items as fit."""
        rows = next(iter(self.of[name]["rows"].values()))
        first = sorted(
            rows,
            key=lambda row: (not {"departs", "rescued", "failed"} & set(row["passes"]), row["row"]),
        )
        for row in first:
            told = _item(library, name, row["id"], list(self.of[name]["rows"]))
            size = len(as_text(told))
            if size > self.room:
                self.items_out += 1
                continue
            self.room -= size
            self.count += 1
            self.of[name]["items"][row["id"]] = told
        self.items_out += max(0, self.of[name]["run"]["items"] - MOST_ROWS)


def _rows(library: Library, name: str, by: str) -> list[dict[str, Any]]:
    rows = page(library.index, Asked(name, contender=by, limit=MOST_ROWS))
    return [{**row, "passes": names_of(row.pop("flags"))} for row in rows]


def _item(library: Library, name: str, id: str, by: list[str]) -> dict[str, Any]:
    """An item; what depends on the chosen estimator is kept apart, for each of them."""
    told = {each: answer(library, "item", {"run": name, "id": id, "by": each}) for each in by}
    first = next(iter(told.values()))
    differs = ("contender", "made", "clusters", "support")
    shared = {key: value for key, value in first.items() if key not in differs}
    return {
        "shared": {**shared, "list": {}},
        "by": {each: {key: full[key] for key in differs} for each, full in told.items()},
    }
