"""Sets, regions, labels, units and matrices are brought into forms that can be compared."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine.limits import Budget
from catsdk.answers.engine.structure import labels, pieces, quantities, regions
from catsdk.answers.engine.structure.comparison import Comparison
from catsdk.answers.engine.structure.simplify import simplified
from catsdk.answers.engine.tree import Interval, Number, Quantity, Symbol, Union
from catsdk.answers.options import Options
from tests.answers.engine.trees import cases_of, items_of, relation_of, tree_of

ONE, TWO, THREE = (Number(Fraction(at)) for at in (1, 2, 3))


def comparison() -> Comparison:
    return Comparison(Options(), Budget())


def quantity_of(text: str) -> Quantity:
    found = tree_of(text)
    assert isinstance(found, Quantity)
    return found


@pytest.mark.parametrize(
    ("left", "right", "same"),
    cases_of(
        r"""
        [1,2] \cup [2,3] ≡ [1,3]
        (-\infty,1) \cup (1,\infty) ≡ \mathbb{R} \setminus \{1\}
        [1,2) ≢ [1,2]
        [1,a] ≟ [1,2]
        """
    ),
)
def test_sets_of_numbers_are_compared_piece_by_piece(
    left: str, right: str, same: bool | None
) -> None:
    assert pieces.same_pieces(tree_of(left), tree_of(right), comparison()) is same


def test_a_list_of_half_open_intervals_is_their_union_and_pairs_may_be_points() -> None:
    first, second = Interval(ONE, TWO, (True, False)), Interval(TWO, THREE, (True, False))
    assert pieces.joined_intervals((first, second)) == Union((first, second))
    assert pieces.joined_intervals((tree_of("(1,2)"), tree_of("(3,4)"))) is None


def test_a_chain_of_inequalities_is_an_interval_of_its_variable() -> None:
    found = regions.region_of(relation_of(r"1 < x \le 3"))
    assert found == (Symbol("x"), Interval(ONE, THREE, (False, True)))
    assert regions.region_of(relation_of("x = 2")) is None


def test_a_name_before_a_value_is_its_label_on_either_side() -> None:
    for text in ("x = 3", "3 = x"):
        assert labels.label_of(relation_of(text)) == Symbol("x")
    assert labels.value_of(relation_of("x = 1+1 = 2")) == TWO
    assert labels.value_of(relation_of("x^2 = 4")) is None
    assert labels.is_label(tree_of("f(1)"))
    assert not labels.is_label(TWO)
    assert labels.is_point(tree_of("A(1,2)"))


def test_values_of_names_are_brought_into_the_order_of_the_names() -> None:
    assert labels.by_names(items_of("y=2, x=1")) == items_of("x=1, y=2")
    assert labels.names_of(items_of("y=2, x=1")) == ["y", "x"]
    assert labels.names_of(items_of("1, 2")) is None
    assert labels.has_usual_order(["x", "y"])
    assert not labels.has_usual_order(["t", "q"])


@pytest.mark.parametrize(
    ("left", "right", "same"),
    cases_of(
        r"""
        5 km ≡ 5000 m
        5 km ≢ 5 m
        5 km ≡ 5
        50 % ≡ 0.5
        5 apples ≟ 5 pears
        """
    ),
)
def test_quantities_are_compared_in_one_unit(left: str, right: str, same: bool | None) -> None:
    found = quantities.same_quantity(quantity_of(left), tree_of(right), comparison())
    assert found is same


def test_a_unit_behind_the_last_value_is_the_unit_of_each() -> None:
    shared = quantities.with_shared_unit(items_of("5, 6 and 7 m"))
    assert [getattr(item, "unit", "") for item in shared.items] == ["m", "m", "m"]
    assert quantities.units_on_one_side(items_of("5 cats, 6 dogs"), items_of("5, 6"))
    assert quantities.is_compound(tree_of("5 feet 3 inches"))
    assert quantities.without_letters(tree_of("48 g")) == Quantity(Number(Fraction(48)), "g")


def test_plus_minus_becomes_both_values_and_matrices_are_added() -> None:
    both = simplified(tree_of(r"2 \pm 1"))
    assert comparison().same(both, tree_of("3, 1")) is True
    assert comparison().same(both, tree_of("3, 2")) is False
    sum_of_matrices = r"\begin{pmatrix}1\\2\end{pmatrix}+\begin{pmatrix}3\\4\end{pmatrix}"
    total = simplified(tree_of(sum_of_matrices))
    assert comparison().same(total, tree_of(r"\begin{pmatrix}4\\6\end{pmatrix}")) is True
