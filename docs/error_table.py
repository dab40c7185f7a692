"""Write the table of docs/reference/error-types.md from the docstrings of the public errors.

`python docs/error_table.py` rewrites the table in place; `make maps` does so, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.marked import between
from docs.site import reference

__all__ = ["PAGE", "PublicError", "errors", "rewritten"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "error-types.md"
BEGIN, END = "<!-- table: errors -->", "<!-- end of table -->"
HEAD = "| error | when it is raised | what to do |\n| --- | --- | --- |"


@dataclass(frozen=True)
class PublicError:
    """An error that users can import: what its docstring says."""

    name: str
    parent: str
    module: str
    raised: str
    remedy: str


def errors() -> list[PublicError]:
    """The errors of every public module, each behind the one that it is a kind of."""
    every = [name for face in reference.FACES for name in reference.names_of(face)]
    wanted = {each.defined: each for each in every if each.name.endswith("Error")}
    first_module: dict[str, str] = {}
    for each in sorted(every, key=lambda each: each.face != "catsdk.errors"):
        first_module.setdefault(each.defined, each.face)
    found = [
        _documented(node, first_module[f"{home}.{node.name}"])
        for home in dict.fromkeys(each.home for each in wanted.values())
        for node in _classes(home)
        if f"{home}.{node.name}" in wanted
    ]
    names = {each.name for each in found}
    roots = [each for each in found if each.parent not in names]
    return [each for root in roots for each in _tree(root, found)]


def _tree(root: PublicError, found: list[PublicError]) -> Iterator[PublicError]:
    yield root
    for each in found:
        if each.parent == root.name:
            yield from _tree(each, found)


def _classes(module: str) -> Iterator[ast.ClassDef]:
    body = ast.parse(reference.file_of(module).read_text("utf-8")).body
    return (each for each in body if isinstance(each, ast.ClassDef))


def _documented(node: ast.ClassDef, module: str) -> PublicError:
    text = ast.get_docstring(node) or ""
    raised, _, _ = text.partition("\n\n")
    remedy = re.search(r"^What to do: (.*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if remedy is None:
        raise ValueError(f"the docstring of {node.name} has no paragraph `What to do: ...`")
    parent = ast.unparse(node.bases[0])
    return PublicError(node.name, parent, module, _line(raised), _line(remedy[1]))


def _line(text: str) -> str:
    """A paragraph as the cell of a table."""
    joined = " ".join(text.split()).replace("|", "\\|")
    return joined[:1].upper() + joined[1:]


def table() -> str:
    """The table: each error under the one that it is a kind of."""
    depths: dict[str, int] = {}
    rows = [HEAD]
    for each in errors():
        depth = depths[each.name] = depths.get(each.parent, -1) + 1
        place = "" if each.module == "catsdk.errors" else f" (`{each.module}`)"
        name = f"{'· ' * depth}`{each.name}`{place}"
        rows.append(f"| {name} | {each.raised} | {each.remedy} |")
    return "\n".join(rows)


def rewritten(page: str) -> str:
    """The page with the table as it is now."""
    return between(page, BEGIN, END, table())


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("utf-8")), "utf-8")
