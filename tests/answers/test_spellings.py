"""Two spellings of one set, relation or quantity are never different, whatever tier decides."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.answers.compare import same

ENDS = st.lists(st.fractions(-9, 9, max_denominator=4), min_size=1, max_size=4, unique=True).map(
    sorted
)
VARIABLES = st.sampled_from(["x", "t", "y"])
# A statement in p written again, with the same real solutions.
REWRITINGS = st.sampled_from(
    [
        "{left} {sign} {right}", "{left} - ({right}) {sign} 0", "3({left}) {sign} 3({right})",
        "-({left}) {flip} -({right})", "({left})^3 {sign} ({right})^3", "{right} {flip} {left}",
        "2^{{{left}}} {sign} 2^{{{right}}}", "{left} + 1 {sign} {right} + 1",
    ]
)  # fmt: skip
FLIPS = {"<": ">", "\\le": "\\ge", ">": "<", "\\ge": "\\le", "=": "="}
LEFTS = st.sampled_from(["{v}", "{v}^2", "|{v}|", "2{v}+1", "{v}^2-{v}", "\\frac{{{v}}}{{3}}"])


def _written(value: Fraction) -> str:
    return f"\\frac{{{value.numerator}}}{{{value.denominator}}}" if value % 1 else str(value)


def _gaps(ends: Sequence[Fraction], inside: bool) -> list[str]:
    """Write the pieces outside, or every second one, of a line cut at `ends`."""
    cuts = ["-\\infty", *map(_written, ends), "\\infty"]
    return [f"({low},{high})" for low, high in list(pairwise(cuts))[inside::2]]


def _statement(left: str, sign: str, right: str, rewriting: str) -> str:
    return rewriting.format(left=left, sign=sign, right=right, flip=FLIPS[sign])


@settings(max_examples=200)
@given(LEFTS, VARIABLES, st.sampled_from(sorted(FLIPS)), st.integers(-4, 9), REWRITINGS, REWRITINGS)
def test_a_relation_is_never_different_from_itself_rewritten(
    left: str, variable: str, sign: str, right: int, one: str, other: str
) -> None:
    side = left.format(v=variable)
    first, second = (_statement(side, sign, str(right), rule) for rule in (one, other))
    assert same(first, second).outcome != "different"
    assert same(second, first).outcome != "different"


@settings(max_examples=100)
@given(ENDS, VARIABLES)
def test_the_roots_of_a_product_are_never_different_from_their_equation(
    roots: list[Fraction], variable: str
) -> None:
    equation = "".join(f"({variable}-({_written(root)}))" for root in roots) + " = 0"
    listed = ", ".join(map(_written, roots))
    for spelling in (
        f"\\{{{listed}\\}}",
        " or ".join(f"{variable} = {_written(root)}" for root in reversed(roots)),
        f"{variable} \\in \\{{{listed}\\}}",
    ):
        assert same(equation, spelling).outcome != "different"
        assert same(spelling, equation).outcome != "different"


@settings(max_examples=100)
@given(ENDS, VARIABLES, st.booleans())
def test_the_solutions_of_an_inequality_are_never_different_from_it(
    roots: list[Fraction], variable: str, inside: bool
) -> None:
    product = "".join(f"({variable}-({_written(root)}))" for root in roots)
    positive = inside == (len(roots) % 2 == 1)
    pieces = _gaps(roots, inside)
    solutions = "\\cup".join(reversed(pieces)) if pieces else "\\emptyset"
    statement = f"{product} {'>' if positive else '<'} 0"
    assert same(statement, solutions).outcome != "different"
    assert same(solutions, statement).outcome != "different"


@settings(max_examples=100)
@given(ENDS, st.data())
def test_a_set_equals_itself_cut_at_any_places(ends: list[Fraction], data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.fractions(-9, 9, max_denominator=4), max_size=3))
    points = sorted({*ends, *cuts})
    low, high = _written(points[0]), _written(points[-1])
    inner = list(pairwise(points))
    pieces = [f"[{_written(one)},{_written(other)}]" for one, other in inner]
    pieces += [f"\\{{{_written(point)}\\}}" for point in points]
    spelling = "\\cup".join(data.draw(st.permutations(pieces)))
    assert same(f"[{low},{high}]", spelling).outcome == "equal"
    outside = f"(-\\infty,{low})\\cup({high},\\infty)"
    assert same(outside, f"\\mathbb{{R}} \\setminus [{low},{high}]").outcome == "equal"
    assert same(outside, spelling).outcome == "different"


@settings(max_examples=60)
@given(st.integers(1, 500), st.sampled_from([("km", "m", 1000), ("L", "mL", 1000)]))
def test_a_quantity_is_never_different_in_another_unit(
    value: int, units: tuple[str, str, int]
) -> None:
    large, small, factor = units
    assert same(f"{value}\\text{{ {large}}}", f"{value * factor} {small}").outcome == "equal"
