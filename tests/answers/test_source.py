"""What the source of the comparison may not contain: ways from an answer's text to code."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import catsdk.answers

HERE = Path(catsdk.answers.__file__).parent
SOURCES = {str(path.relative_to(HERE)): path for path in sorted(HERE.rglob("*.py"))}

NAMES = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "sympify",
    "parse_expr",
    "parse_latex",
    "lambdify",
    "nsimplify",
    "pickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "to_process",
    "multiprocessing",
    "ProcessPoolExecutor",
}
# These belong to modules whose functions of that name are harmless.
ALLOWED = {("re", "compile")}

parser: Any = import_module("re._parser")
UNBOUNDED = parser.MAXREPEAT


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name(owner), name) if (owner, name) not in ALLOWED:
                yield name
            case ast.Attribute(value, name) if not isinstance(value, ast.Name):
                yield name
            case ast.Name(name):
                yield name
            case ast.Import(names):
                yield from (part for each in names for part in each.name.split("."))
            case ast.ImportFrom(module, names):
                yield from (module or "").split(".")
                yield from (each.name for each in names)
            case _:
                pass


def _patterns(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the constant patterns given to functions of `re`, with their flags."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(ast.Name("re"), _), [ast.Constant(str(pattern)), *rest]):
                flags = " ".join(map(ast.unparse, rest))
                yield pattern, re.VERBOSE if "VERBOSE" in flags else 0
            case _:
                pass


def _repeats_without_end(items: Any, inside: bool = False) -> bool:
    """Tell whether a repetition without a bound holds another one."""
    for operation, argument in items:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, inner = argument
            endless = most is UNBOUNDED
            if (endless and inside) or _repeats_without_end(inner, inside or endless):
                return True
        else:
            for part in _parts(argument):
                if _repeats_without_end(part, inside):
                    return True
    return False


def _parts(argument: Any) -> Iterator[Any]:
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _parts(each)


@pytest.mark.parametrize("source", SOURCES)
def test_no_way_from_text_to_code(source: str) -> None:
    assert not NAMES & set(_names(ast.parse(SOURCES[source].read_text())))


@pytest.mark.parametrize("source", SOURCES)
def test_no_pattern_that_can_run_away(source: str) -> None:
    tree = ast.parse(SOURCES[source].read_text())
    endless = [
        pattern
        for pattern, flags in _patterns(tree)
        if _repeats_without_end(parser.parse(pattern, flags))
    ]
    assert endless == []


@pytest.mark.parametrize(
    "text",
    ["from sympy import sympify", "sympy.parse_expr(x)", "eval(x)", "import pickle", "a.b.exec(x)"],
)
def test_the_scan_sees_what_it_looks_for(text: str) -> None:
    assert NAMES & set(_names(ast.parse(text)))


@pytest.mark.parametrize("pattern", ["(a+)+", "(?:a*b?)*", "(a|b+)*", "(?=(a+)*)"])
def test_the_scan_sees_patterns_that_run_away(pattern: str) -> None:
    assert _repeats_without_end(parser.parse(pattern))


def test_sympy_is_imported_in_one_place_and_never_by_the_callers_process() -> None:
    importing = [
        name for name, path in SOURCES.items() if re.search(r"\bimport.*sympy", path.read_text())
    ]
    assert all(name.startswith("engine/symbolic") for name in importing)
