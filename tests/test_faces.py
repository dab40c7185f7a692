"""What users read imports what users may, and so does every test that mirrors no part of ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docstrings import FACES, OURS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = {
    f"catsdk.integrations.{path.stem}"
    for path in (ROOT / "catsdk/integrations").iterdir()
    if not path.stem.startswith("_")
} - {"catsdk.integrations.kept"}
"""The modules for other frameworks, which need those frameworks: each is a face by itself."""
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
BESIDE = [
    path
    for folder in (
        "benchmarks",
        *(f"tests/{part}" for part in ("benchmarks", "lab", "real", "servers", "soak")),
    )
    for path in sorted((ROOT / folder).rglob("*.py"))
]
"""What runs the whole from outside: benchmarks, and tests with no part of ours as their mirror."""
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)

ALSO = {
    "catsdk_providers.box.problems": "the sums that the model in the box was made for",
    "catsdk_providers.local.load": "a GGUF file is read as the local provider reads it",
    "catsdk.evaluate.statistics": "arms of a training are compared by the test of estimators",
    "catsdk.prompts.reply": "the laboratory teaches that model the replies that catsdk reads",
    "catsdk_trainers.data.first_answers": "the stop is judged on runs that were recorded",
    "catsdk_trainers.preflight.rule": "the rule of a preflight is judged on kept measurements",
}
"""What examples with the model in the box import besides, and why."""

INSIDE = {
    "catsdk.answers.compare": "pathological answers are compared as the event loop does it",
    "catsdk.answers.engine.symbolic": "what sympy decides is counted apart",
    "catsdk.answers.extract": "rules that never became ours are measured beside ours",
    "catsdk.batch.job": "the state of many rows is measured without models",
    "catsdk.batch.state": "the same",
    "catsdk.estimators.synthesis": "every way to show the responses is compared",
    "catsdk.evaluate.experiment": "a grader of a benchmark's own takes part in the comparison",
    "catsdk.evaluate.recorded": "the reading of real completions is held against a count by hand",
    "catsdk.evaluate.summary": "the report is measured without models",
    "catsdk.rubrics.kappa": "agreement is computed for verdicts that were given long ago",
    "catsdk.rubrics.quality": "the same, for the quality of rubrics",
    "catsdk.rubrics.scoring": "failed verdicts are counted by their causes",
    "catsdk.runs.ledger": "the file of a run is measured without models",
    "catsdk.runs.store": "the same",
    "catsdk.runtime.attribution": "calls are listed as a run lists them",
    "catsdk.runtime.context": "a context stands alone, with models of its own",
    "catsdk.view.index": "the viewer's reading of many items is measured without a browser",
    "catsdk.view.library": "the same",
    "catsdk.view.questions": "the same",
    "catsdk_trainers.trl": "the reward is timed where the trainer calls it",
    "catsdk_providers.http.estimates": "the bound on a prompt's tokens is held to a real tokenizer",
}
"""What benchmarks measure from inside, beside those, and why."""


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
        assert deeper(block, {*FACES, *OTHERS}) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_example_imports_from_public_faces_alone(example: Path) -> None:
    assert deeper(example.read_text(encoding="utf-8"), {*FACES, *ALSO}) == []


@pytest.mark.parametrize("path", BESIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_runs_the_whole_imports_from_public_faces_alone(path: Path) -> None:
    assert deeper(path.read_text(encoding="utf-8"), {*FACES, *ALSO, *INSIDE}) == []


@pytest.mark.parametrize(("exceptions", "paths"), [(ALSO, EXAMPLES), (INSIDE, BESIDE)])
def test_each_exception_is_needed(exceptions: dict[str, str], paths: list[Path]) -> None:
    used = {name for path in paths for name in imports(path.read_text(encoding="utf-8"))}
    assert set(exceptions) <= used
