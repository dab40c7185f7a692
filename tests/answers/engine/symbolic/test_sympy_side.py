"""What runs beside sympy: conversion without reading a text, sets, statements, frames."""

from __future__ import annotations

import io

import pytest
import sympy

from catsdk.answers.engine.limits import UndefinedError
from catsdk.answers.engine.symbolic import points, values
from catsdk.answers.engine.symbolic.convert import NotConvertibleError, to_sympy
from catsdk.answers.engine.symbolic.expressions import same_expression
from catsdk.answers.engine.symbolic.frames import (
    MAX_FRAME,
    FrameError,
    Json,
    decode,
    encode,
    read_frame,
)
from catsdk.answers.engine.symbolic.sets import is_set, same_set
from catsdk.answers.engine.symbolic.statements import is_statement, same_statement
from tests.answers.engine.trees import tree_of

X = sympy.Symbol("x")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("x+1", X + 1),
        (r"\sqrt{4}", sympy.Integer(2)),
        (r"\sqrt[3]{-8}", sympy.Integer(-2)),
        (r"\frac{1}{2}", sympy.Rational(1, 2)),
    ],
)
def test_a_tree_becomes_the_expression_that_it_means(text: str, expression: object) -> None:
    assert to_sympy(tree_of(text)) == expression


def test_a_function_without_a_definition_equals_itself_alone() -> None:
    assert to_sympy(tree_of("f(2)")) == to_sympy(tree_of("f(2)"))
    assert to_sympy(tree_of("f(2)")) != to_sympy(tree_of("g(2)"))


def test_what_is_no_expression_cannot_be_converted() -> None:
    with pytest.raises(NotConvertibleError):
        to_sympy(tree_of("1, 2"))


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        (r"\sin(2x)", r"2\sin x\cos x", "equal"),
        (r"|x|", r"\sqrt{x^2}", "equal"),
        ("x", "x+1", "different"),
    ],
)
def test_expressions_of_real_numbers_are_compared(left: str, right: str, answer: str) -> None:
    first, second = (to_sympy(tree_of(text), real=True) for text in (left, right))
    assert same_expression(first, second) == answer


def test_a_number_is_zero_only_if_that_is_sure() -> None:
    assert values.is_zero(sympy.sqrt(2) ** 2 - 2) is True
    assert values.is_zero(sympy.pi - 3) is False
    assert values.is_real(sympy.pi)
    assert not values.is_real(sympy.sqrt(-1))
    with pytest.raises(UndefinedError):
        values.with_value(sympy.zoo)


def test_points_are_the_same_at_each_call_and_steps_are_seen() -> None:
    assert list(points.points(X)) == list(points.points(X))
    assert points.has_steps(sympy.floor(X))
    assert not points.has_steps(X)


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        ("x>1", r"(1,\infty)", "equal"),
        ("x^2<4", "(-2,2)", "equal"),
        ("x^2=4", r"\{-2,2\}", "equal"),
        ("x>1", "x>2", "different"),
    ],
)
def test_sets_of_real_numbers_are_compared(left: str, right: str, answer: str) -> None:
    assert same_set(tree_of(left), tree_of(right)) == answer


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        ("2y=4x", "y=2x", "equal"),
        ("y=2x", "y=3x", "different"),
        ("x+y=3, x-y=1", "x=2, y=1", "equal"),
    ],
)
def test_statements_are_compared_by_what_they_allow(left: str, right: str, answer: str) -> None:
    assert same_statement(tree_of(left), tree_of(right)) == answer


def test_sets_and_statements_are_told_from_values() -> None:
    assert is_set(tree_of("[1,2]"))
    assert not is_set(tree_of("2"))
    assert is_statement(tree_of("x=1"))
    assert not is_statement(tree_of("1"))


def test_a_message_comes_back_from_its_frame() -> None:
    message: Json = {"a": [1, None, "é"]}
    assert read_frame(io.BytesIO(encode(message))) == message


def test_a_frame_that_is_too_large_is_refused_on_both_sides() -> None:
    with pytest.raises(FrameError, match="bytes"):
        encode("x" * MAX_FRAME)
    with pytest.raises(FrameError, match="announces"):
        read_frame(io.BytesIO(b"\xff\xff\xff\xff"))


def test_a_broken_message_and_the_end_of_a_stream_are_told_apart() -> None:
    with pytest.raises(FrameError, match="not JSON"):
        decode(b"{")
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(b"\x00"))
