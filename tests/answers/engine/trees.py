"""Trees for the tests of the engine, from answers as they are written."""

from __future__ import annotations

from catsdk.answers.engine.parse.cleaning import clean
from catsdk.answers.engine.parse.statements import parse
from catsdk.answers.engine.tree import Items, Node, Relation


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
