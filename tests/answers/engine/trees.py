"""Trees for the tests of the engine, from answers as they are written."""

from __future__ import annotations

import re

from catsdk.answers.engine.parse.cleaning import clean
from catsdk.answers.engine.parse.statements import parse
from catsdk.answers.engine.tree import Items, Node, Relation

SIGNS = {"≡": True, "≢": False, "≟": None}


def cases_of(text: str) -> list[tuple[str, str, bool | None]]:
    """Pairs of answers, one a line, with what is found of them: same, other, or not known."""
    found: list[tuple[str, str, bool | None]] = []
    for line in text.strip().splitlines():
        left, sign, right = re.split(r" (≡|≢|≟) ", line.strip())
        found.append((left, right, SIGNS[sign]))
    return found


def tree_of(text: str) -> Node:
    return parse(clean(text))


def items_of(text: str) -> Items:
    found = tree_of(text)
    assert isinstance(found, Items)
    return found


def relation_of(text: str) -> Relation:
    found = tree_of(text)
    assert isinstance(found, Relation)
    return found
