"""What catsdk promises, in `behaviours.toml`, is tied to the tests in both directions.

Each behaviour there has a test marked `@pytest.mark.behaviour("its-id")`, and each mark names a
behaviour. `python -m tests.test_behaviours` prints the behaviours with their tests.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
RULES = range(1, 11)
"""The rules that hold everywhere; see docs/architecture.md."""


def behaviours() -> dict[str, dict[str, object]]:
    return tomllib.loads((TESTS / "behaviours.toml").read_text(encoding="utf-8"))


def marked() -> dict[str, list[str]]:
    """The tests of each marked behaviour, as `file::name`."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.behaviour(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for behaviour in _ids(node):
                    test = f"{path.relative_to(TESTS).as_posix()}::{node.name}"
                    found.setdefault(behaviour, []).append(test)
    return found


def _ids(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
            "mark.behaviour"
        ):
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


def test_each_behaviour_has_a_test() -> None:
    without = sorted(set(behaviours()) - set(marked()))
    assert not without, f"no test is marked with: {', '.join(without)}"


def test_each_mark_names_a_behaviour() -> None:
    known = behaviours()
    unknown = {name: tests for name, tests in marked().items() if name not in known}
    assert not unknown, f"behaviours.toml does not have: {unknown}"


def test_only_tests_are_marked() -> None:
    tests = [test for marked_tests in marked().values() for test in marked_tests]
    assert all(test.rpartition("::")[2].startswith("test_") for test in tests), tests


def test_each_behaviour_is_a_sentence_of_a_rule_or_a_contract() -> None:
    for name, fields in behaviours().items():
        assert str(fields["says"]).endswith("."), name
        assert (fields.get("rule") in RULES) != ("contract" in fields), name
        assert set(fields) <= {"rule", "contract", "says"}, name


def test_every_rule_has_behaviours() -> None:
    assert {fields["rule"] for fields in behaviours().values() if "rule" in fields} == set(RULES)


if __name__ == "__main__":
    tests_of = marked()
    for name, fields in behaviours().items():
        print(f"{name}: {fields['says']}")  # noqa: T201
        for test in tests_of.get(name, ["(none)"]):
            print(f"    {test}")  # noqa: T201
