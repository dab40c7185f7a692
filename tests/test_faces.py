"""What users read imports what users may: documents and examples take public names alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docstrings import FACES, OURS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)

ALSO = {
    "catsdk_providers.box.problems": "the sums that the model in the box was made for",
    "catsdk_providers.local.load": "a GGUF file is read as the local provider reads it",
    "catsdk.prompts.reply": "the laboratory teaches that model the replies that catsdk reads",
}
"""What examples with the model in the box import besides, and why."""


def imports(code: str) -> Iterator[str]:
    """The modules of catsdk that code imports from, and those that it imports as a whole."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def deeper(code: str, allowed: set[str]) -> list[str]:
    ours = [name for name in imports(code) if name.split(".")[0] in OURS]
    return [name for name in ours if name not in allowed]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_imports_from_public_faces_alone(page: Path) -> None:
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        assert deeper(block, set(FACES)) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_example_imports_from_public_faces_alone(example: Path) -> None:
    assert deeper(example.read_text(encoding="utf-8"), {*FACES, *ALSO}) == []


def test_each_exception_is_needed() -> None:
    used = {name for path in EXAMPLES for name in imports(path.read_text(encoding="utf-8"))}
    assert set(ALSO) <= used
