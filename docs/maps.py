"""Write the file map of docs/files.md: each module with its docstring's first line.

`python docs/maps.py` rewrites the map in place; `tests/test_maps.py` fails while it is old.
"""

import ast
from pathlib import Path

from docs.marked import between

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "files.md"
BEGIN = "<!-- map: written by `make maps` -->"
END = "<!-- end of map -->"
PACKAGES = ("catsdk", "providers/catsdk_providers", "trainers/catsdk_trainers")


def modules(package: str) -> list[Path]:
    """Return the Python files of one package, its own `__init__.py` first in each folder."""
    found = (ROOT / package).rglob("*.py")
    return sorted(found, key=lambda path: (path.parent.parts, path.stem != "__init__", path.name))


def purpose(module: Path) -> str:
    """Return the first line of the module's docstring.

    Raises:
        ValueError: the module has no docstring.
    """
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    if not docstring:
        raise ValueError(
            f"{module.relative_to(ROOT)} has no docstring; say its purpose in one line"
        )
    return docstring.splitlines()[0]


def file_map() -> str:
    """Return the map as Markdown: one table for each package."""
    tables: list[str] = []
    for package in PACKAGES:
        rows = [
            f"| `{module.relative_to(ROOT / package).as_posix()}` | {_cell(purpose(module))} |"
            for module in modules(package)
        ]
        tables.append(
            "\n".join([f"### `{package}/`", "", "| file | purpose |", "| --- | --- |", *rows])
        )
    return "\n\n".join(tables)


def rewritten(page: str) -> str:
    """Return the page with a fresh map between its two marks."""
    return between(page, BEGIN, END, file_map())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
