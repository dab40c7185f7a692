"""Properties of the comparison over random expressions, rewritten to keep or break equality."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.answers.classes import equivalence_classes
from catsdk.answers.compare import same
from catsdk.answers.engine.parse.reading import read
from catsdk.answers.engine.tree import from_json, to_json

NUMBERS = st.integers(-30, 30).map(str) | st.fractions(-9, 9, max_denominator=12).map(
    lambda value: f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
)
ATOMS = NUMBERS | st.sampled_from(["x", "y", "\\pi", "\\sqrt{2}", "\\sqrt{3}", "e"])


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(parts, parts)
    return (
        pairs.map(lambda pair: f"({pair[0]}) + ({pair[1]})")
        | pairs.map(lambda pair: f"({pair[0]}) - ({pair[1]})")
        | pairs.map(lambda pair: f"({pair[0]})({pair[1]})")
        | parts.map(lambda part: f"({part})^2")
        | parts.map(lambda part: f"\\frac{{{part}}}{{7}}")
    )


EXPRESSIONS = st.recursive(ATOMS, _combined, max_leaves=6)
# Each rule writes the same value in another way.
KEEPING = st.sampled_from(
    [
        "{} + 0", "1({})", "-(-({}))", "\\frac{{2({})}}{{2}}", "({}) + x - x", "\\left({}\\right)",
        "\\displaystyle {}", "${}$", "({}) \\cdot 3 \\div 3", "\\boxed{{{}}}",
    ]
)  # fmt: skip
BREAKING = st.sampled_from(
    ["({}) + 1", "({}) - \\frac{{1}}{{9}}", "({}) + \\pi - 3", "({}) + 10^{{-12}}", "({}) + z"]
)


@settings(max_examples=300)
@given(
    EXPRESSIONS,
    st.tuples(KEEPING, st.just("equal")) | st.tuples(BREAKING, st.just("different")),
)
def test_a_rewriting_is_equal_just_if_it_keeps_the_value(
    expression: str, rewriting: tuple[str, str]
) -> None:
    rule, outcome = rewriting
    rewritten = rule.format(expression)
    assert same(rewritten, expression).outcome == outcome
    assert same(expression, rewritten).outcome == outcome


@settings(max_examples=150)
@given(EXPRESSIONS, EXPRESSIONS)
def test_the_order_of_the_two_does_not_matter(left: str, right: str) -> None:
    assert same(left, right).outcome == same(right, left).outcome


@settings(max_examples=100)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_gets_a_verdict_in_both_orders_and_equals_itself(left: str, right: str) -> None:
    assert same(left, right).outcome == same(right, left).outcome
    assert same(left, left).outcome != "different"


@settings(max_examples=100)
@given(EXPRESSIONS)
def test_a_tree_survives_its_json_form(expression: str) -> None:
    node = read(expression).node
    assert node is not None
    assert from_json(to_json(node)) == node


@settings(max_examples=100)
@given(st.fractions(-1000, 1000, max_denominator=1000))
def test_a_fraction_equals_its_own_writings(value: Fraction) -> None:
    latex = f"\\dfrac{{{value.numerator}}}{{{value.denominator}}}"
    assert same(f"{value.numerator}/{value.denominator}", latex).outcome == "equal"
    whole, rest = divmod(abs(value), 1)
    if whole and rest:
        sign = "-" if value < 0 else ""
        mixed = f"{sign}{whole}\\frac{{{rest.numerator}}}{{{rest.denominator}}}"
        assert same(mixed, latex).outcome == "equal"


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["1/2", "0.5", "\\frac{2}{4}", "2", "x", "1x", "2.0", "no"])))
def test_classes_hold_together_what_is_the_same_and_nothing_else(answers: list[str]) -> None:
    classes = equivalence_classes(answers)
    assert len(classes.labels) == len(answers)
    for left, one in zip(answers, classes.labels, strict=True):
        for right, other in zip(answers, classes.labels, strict=True):
            assert (one == other) == (same(left, right).outcome == "equal")
