"""Exports the viewer of a folder as one HTML file, which says what it leaves out."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.queries import FILTERS, Asked, contenders, page
from catsdk.view.questions import answer, as_text

__all__ = ["export_page"]

MOST_BYTES: Final = 24_000_000
MOST_ROWS: Final = 2_000
"""Rows of a run's list; its items with all their evidence are as many as there is room for."""

# In the order in which each needs those before it.
_SCRIPTS: Final = (
    "dom", "words", "address", "exported", "data", "keys", "runs", "items", "group", "rubric",
    "compare", "charts", "training", "money", "app",
)  # fmt: skip
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)


def export_page(folder: str | Path, path: str | Path, *, most_bytes: int = MOST_BYTES) -> str:
    r"""Write what the viewer shows of a folder to one HTML file that needs nothing else.

    It has every run, the first 2,000 rows of each list, and as many items with all their evidence
    as fit: first those in which the reference and the majority part, then the others in order.

    Args:
        folder: Where catsdk wrote.
        path: The file; one that is there is replaced.
        most_bytes: About the most bytes of its data.

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
                raise InvalidInputError(f"there is no run of catsdk in {folder}")
            held = _Held(most_bytes)
            for name in library.runs:
                held.lists(library, name)
            for name in library.runs:
                held.items(library, name)
        finally:
            index.close()
    data = {"runs": answer_runs(held), "of": held.of, "left_out": held.left_out}
    text = _page(as_text(data))
    try:
        Path(path).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}") from error
    runs, items = len(held.of), held.count
    counted = f"{runs} run{'' if runs == 1 else 's'}, {items} item{'' if items == 1 else 's'}"
    return f"{path}: {counted}; {held.left_out or 'nothing is left out'}"


def answer_runs(held: _Held) -> dict[str, Any]:
    """The list of runs as the page has it."""
    return {"root": held.root, "ready": True, "runs": held.runs}


class _Held:
    """What the page will hold, counted while it grows."""

    def __init__(self, most_bytes: int) -> None:
        self.room = most_bytes
        self.of: dict[str, dict[str, Any]] = {}
        self.runs: list[dict[str, Any]] = []
        self.root = ""
        self.count = 0
        self.rows_out = self.items_out = 0

    @property
    def left_out(self) -> str:
        """What is not in the page, in a sentence; empty where all is there."""
        parts: list[str] = []
        if self.rows_out:
            parts.append(f"{self.rows_out:,} rows of lists")
        if self.items_out:
            parts.append(f"the evidence of {self.items_out:,} items")
        if not parts:
            return ""
        told = " and ".join(parts)
        return f"left out, to keep this file small: {told}"

    def lists(self, library: Library, name: str) -> None:
        """Take in what is known of a run, and the rows of its list by every estimator."""
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
        """Take in the evidence of as many items as there is room for."""
        rows = next(iter(self.of[name]["rows"].values()))
        first = sorted(
            rows,
            key=lambda row: (not {"departs", "rescued", "failed"} & set(row["passes"]), row["at"]),
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
    rows, _ = page(library.index, Asked(name, contender=by, limit=MOST_ROWS))
    passing: dict[str, set[int]] = {}
    for each in FILTERS:
        passed, _ = page(library.index, Asked(name, contender=by, filters=(each,), limit=MOST_ROWS))
        passing[each] = {row["row"] for row in passed}
    return [
        {**row, "passes": [each for each in FILTERS if row["row"] in passing[each]]} for row in rows
    ]


def _item(library: Library, name: str, id: str, by: list[str]) -> dict[str, Any]:
    """An item, with what differs by the estimator that it is shown with apart."""
    told = {each: answer(library, "item", {"run": name, "id": id, "by": each}) for each in by}
    first = next(iter(told.values()))
    differs = ("contender", "made", "clusters", "support")
    shared = {key: value for key, value in first.items() if key not in differs}
    return {
        "shared": {**shared, "list": {}},
        "by": {each: {key: full[key] for key in differs} for each, full in told.items()},
    }


def _page(data: str) -> str:
    assets = files("catsdk.view").joinpath("assets")
    style = assets.joinpath("style.css").read_text("utf-8")
    script = "\n".join(
        _joined(name, assets.joinpath(f"{name}.js").read_text("utf-8")) for name in _SCRIPTS
    )
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
        " img-src data:; base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    # In a script, only `<` could end it or begin a comment; JSON may write it as an escape.
    safe = data.replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>catsdk view</title><style>{style}</style></head><body>"
        '<a class="skip" href="#main">Skip to the content</a><header id="bar"></header>'
        '<main id="main" tabindex="-1"></main>'
        '<p id="told" class="unseen" role="status" aria-live="polite"></p>'
        f'<script id="catsdk-data" type="application/json">{safe}</script>'
        f'<script type="module">{script}</script></body></html>\n'
    )


def _joined(name: str, script: str) -> str:
    """A module as an expression in one script; only what it exports is seen outside of it."""
    exported = ", ".join(found[2] for found in _EXPORT.finditer(script))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = of_\2;", script))
    return f"const of_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
