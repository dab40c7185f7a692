"""No context variable carries meaning, and no model is opened outside of a client."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("catsdk", "providers/catsdk_providers", "trainers/catsdk_trainers")
pytestmark = pytest.mark.skipif(
    not (ROOT / "catsdk").is_dir(), reason="the sources do not lie beside these tests"
)

# Variables that follow a task, by the file that makes them. They may only say what a call is for.
CONTEXT_VARIABLES = {"catsdk/runtime/attribution.py": ["catsdk_attribution"]}
# Variables of an event loop hold what belongs to that loop, and are the same for all its tasks.
LOOP_VARIABLES = {
    "catsdk/answers/compare.py": "the turn of long comparisons",
    "catsdk/answers/engine/symbolic/pool.py": "the places in the pool of processes",
    "catsdk/runtime/stores/disk.py": "the turn of reads and writes of one file",
    "providers/catsdk_providers/http/service.py": "the connections to a service",
}
# What makes a provider of a model string, and why it may.
RESOLVING = {
    "catsdk/runtime/session.py": "opens the models of a client",
    "catsdk/cli/doctor.py": "offline it makes a provider to check the set-up, and opens nothing",
    "catsdk/batch/workers/hosted.py": "opens a model in an actor, for the clients of all workers",
    "trainers/catsdk_trainers/trl/attach.py": "compares an address, and opens nothing",
    "trainers/catsdk_trainers/trl/role_anchors.py": "looks for missing keys, and opens nothing",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


SOURCES = list(sources())


def called(node: ast.AST) -> str | None:
    """The last name of what `node` calls: `ContextVar` of `c.ContextVar[int](...)`."""
    if not isinstance(node, ast.Call):
        return None
    function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def variables(kind: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, tree in SOURCES:
        for node in ast.walk(tree):
            if called(node) == kind:
                assert isinstance(node, ast.Call)
                first = node.args[0] if node.args else None
                name = first.value if isinstance(first, ast.Constant) else "?"
                found.setdefault(path, []).append(str(name))
    return found


def names_of(tree: ast.Module) -> Iterator[str]:
    """Every name that a module reads, imports or takes from another."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.name for alias in node.names)


def test_the_only_variable_that_follows_a_task_attributes_calls() -> None:
    assert variables("ContextVar") == CONTEXT_VARIABLES


def test_the_variables_of_an_event_loop_are_known() -> None:
    assert set(variables("RunVar")) == set(LOOP_VARIABLES)


def test_no_module_gives_a_variable_s_class_another_name() -> None:
    renamed = [
        path
        for path, tree in SOURCES
        for node in ast.walk(tree)
        if isinstance(node, ast.alias) and node.name.endswith(("ContextVar", "RunVar"))
        if node.asname is not None
    ]
    assert renamed == []


def test_no_model_is_made_from_a_string_but_in_the_session_of_a_client() -> None:
    found = {path for path, tree in SOURCES if "resolve" in _taken_from_model_strings(tree)}
    assert found == set(RESOLVING)


def _taken_from_model_strings(tree: ast.Module) -> set[str]:
    """The names that a module imports from `model_strings`, or reads of it as a module."""
    taken: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "catsdk.core.model_strings":
            taken |= {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("model_strings"):
            taken.add(node.attr)
    return taken


def test_what_decides_where_a_call_goes_reads_no_variable_of_the_task() -> None:
    """Attribution is read to list, order and observe calls, never to choose model or payer."""
    may_read = {
        "attribution",
        "batching/batched",
        "wrappers/hedge",
        "wrappers/limit",
        "wrappers/record",
        "wrappers/trace",
    }
    readers = {path for path, tree in SOURCES if "attribution" in set(names_of(tree))}
    inside = {path for path in readers if path.startswith("catsdk/runtime/")}
    assert inside <= {f"catsdk/runtime/{name}.py" for name in may_read}
