"""Operators bind as mathematicians mean them, and functions take what belongs to them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine.parse import words
from catsdk.answers.engine.parse.functions import FunctionParser
from catsdk.answers.engine.parse.grammar import ExpressionParser, minus, product_of
from catsdk.answers.engine.parse.statements import parse
from catsdk.answers.engine.tree import Number, Product, Symbol
from tests.answers.engine.trees import tree_of

TWO, X = Number(Fraction(2)), Symbol("x")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1+2*3", "1+(2*3)"),
        ("1-2-3", "1+(-2)+(-3)"),
        ("2^3^2", "2^{(3^2)}"),
        ("-x^2", "-(x^2)"),
        ("2(3)", "2*3"),
        (r"\frac12", "1/2"),
        (r"\sin^2 x", r"(\sin x)^2"),
        (r"\sin 2x + 1", r"(\sin(2x)) + 1"),
        (r"\sin^{-1} x", r"\arcsin x"),
        ("5!", "(5)!"),
        ("|x|", r"\left|x\right|"),
    ],
)
def test_an_operator_binds_as_it_is_meant(written: str, meant: str) -> None:
    assert tree_of(written) == tree_of(meant)


def test_a_root_is_no_power_for_that_of_a_negative_number_may_be_real() -> None:
    assert tree_of(r"\sqrt[3]{8}") != tree_of("8^{1/3}")


def test_a_logarithm_without_a_base_has_the_base_that_is_given() -> None:
    ten = Number(Fraction(10))
    assert parse(r"\log 8", ten) == tree_of(r"\log_{10} 8")
    assert parse(r"\log_2 8", ten) == tree_of(r"\log_2 8")
    assert parse(r"\log 8") != parse(r"\log 8", ten)


def test_a_number_with_a_minus_is_one_number_and_a_product_of_one_is_that() -> None:
    assert minus(TWO) == Number(Fraction(-2))
    assert product_of([X]) == X
    assert product_of([TWO, X]) == Product((TWO, X))


def test_a_parser_of_functions_needs_brackets_to_be_given() -> None:
    assert issubclass(FunctionParser, ExpressionParser)
    assert {"bracket", "environment"} <= FunctionParser.__abstractmethods__


def test_no_command_is_both_left_out_and_read() -> None:
    read = {*words.OPERATORS, *words.RELATIONS, *words.CONSTANTS, *words.DELIMITERS, *words.GREEK}
    assert not read & words.SKIPPED
    assert not words.TEXT_COMMANDS & words.SKIPPED
    assert not words.ACCENTS & words.SKIPPED
