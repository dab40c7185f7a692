"""Each error, and each cause that is not an error, is on a page that says what to do about it."""

import re
from pathlib import Path

import catsdk.errors
from catsdk.errors import CatError
from docs import error_table

ROOT = Path(__file__).resolve().parent.parent
HOW_TO = ROOT / "docs" / "how-to" / "reward-none.md"
# What rollouts, references and rewards are made by; other parts have words of their own for a kind.
MAKE_REWARDS = ("rewards", "rubrics", "sampling", "runtime", "method", "scored.py")
KIND = re.compile(r"""\bFailure\(\s*kind=(?:"(\w+)"|([A-Z_]+)\b)""")


def test_the_table_is_what_the_docstrings_say() -> None:
    page = error_table.PAGE.read_text("utf-8")
    assert error_table.rewritten(page) == page, "run `make maps`"


def test_every_public_error_is_in_the_table_and_in_the_tree_of_the_module() -> None:
    told = [each.name for each in error_table.errors()]
    assert len(told) == len(set(told))
    tree = (ROOT / "catsdk/core/errors.py").read_text("utf-8").partition('"""\n')[0]
    for name in catsdk.errors.__all__:
        kind = getattr(catsdk.errors, name)
        if isinstance(kind, type) and issubclass(kind, CatError):
            assert name in told, f"{name} is not in {error_table.PAGE.name}"
            assert name in tree, f"{name} is not in the tree"


def test_every_cause_of_a_missing_reward_is_in_the_table_of_the_how_to() -> None:
    told = set(re.findall(r"`(\w+)`", HOW_TO.read_text("utf-8")))
    places = [ROOT / "catsdk" / place for place in MAKE_REWARDS]
    files = [file for place in places for file in [place, *place.rglob("*.py")] if file.is_file()]
    kinds = {
        literal or _value_of(constant)
        for file in files
        for literal, constant in KIND.findall(file.read_text("utf-8"))
    }
    assert {"LeftOut", "Late", "Tie", "UnknownVerdict"} <= kinds
    assert {kind for kind in kinds - told if not kind.endswith("Error")} == set()


def _value_of(constant: str) -> str:
    """The text of a constant, wherever in the package it is set."""
    pattern = re.compile(rf'^{constant} = "(\w+)"', re.MULTILINE)
    texts = (file.read_text("utf-8") for file in (ROOT / "catsdk").rglob("*.py"))
    return next(found[1] for text in texts if (found := pattern.search(text)))
