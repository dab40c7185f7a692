"""What sympy decides about two trees, each pair in both orders."""

from fractions import Fraction

import pytest

from catsdk.answers.engine import tree
from catsdk.answers.engine.symbolic.task import compare

x, y, k = tree.Symbol("x"), tree.Symbol("y"), tree.Symbol("k")
pi, e, i, infinity = (tree.Constant(name) for name in ("pi", "e", "i", "infinity"))


def n(top: int, bottom: int = 1) -> tree.Number:
    return tree.Number(Fraction(top, bottom))


def plus(*terms: tree.Node) -> tree.Node:
    return tree.Sum(terms)


def times(*factors: tree.Node) -> tree.Node:
    return tree.Product(factors)


def minus(node: tree.Node) -> tree.Node:
    return tree.Product((n(-1), node))


def call(name: str, *arguments: tree.Node) -> tree.Node:
    return tree.Call(name, arguments)


def root(node: tree.Node, degree: int = 2) -> tree.Node:
    return tree.Call("root", (node, n(degree)))


def relation(left: tree.Node, operator: str, right: tree.Node) -> tree.Node:
    return tree.Relation((left, right), (operator,))  # type: ignore[arg-type]


def between(low: tree.Node, high: tree.Node, brackets: str) -> tree.Node:
    return tree.Interval(low, high, (brackets[0] == "[", brackets[1] == "]"))


square = tree.Power(x, n(2))
sine, cosine = call("sin", x), call("cos", x)
outside = tree.Union((between(minus(infinity), n(-2), "()"), between(n(2), infinity, "()")))
line = relation(plus(times(n(2), x), times(n(4), y)), "=", n(6))

EQUAL: dict[str, tuple[tree.Node, tree.Node]] = {
    "a definite integral": (call("integral", times(n(2), x), x, n(0), n(3)), n(9)),
    "an improper integral": (
        call("integral", tree.Power(e, minus(square)), x, minus(infinity), infinity),
        root(pi),
    ),
    "integrals that nobody can solve, by their form": (
        call("integral", times(call("sin", square), tree.Power(x, x)), x, n(0), n(1)),
        call("integral", times(tree.Power(y, y), call("sin", tree.Power(y, n(2)))), y, n(0), n(1)),
    ),
    "an infinite sum": (
        call("sum", tree.Quotient(n(1), square), x, n(1), infinity),
        tree.Quotient(tree.Power(pi, n(2)), n(6)),
    ),
    "a sum up to a variable": (
        call("sum", k, k, n(1), y),
        tree.Quotient(times(y, plus(y, n(1))), n(2)),
    ),
    "a product": (call("product", k, k, n(1), n(5)), n(120)),
    "a limit": (call("limit", tree.Quotient(sine, x), x, n(0)), n(1)),
    "a limit at infinity": (
        call("limit", tree.Power(plus(n(1), tree.Quotient(n(1), x)), x), x, infinity),
        e,
    ),
    "a derivative": (call("derivative", tree.Power(x, n(3)), x), times(n(3), square)),
    "a determinant": (call("det", tree.Matrix(((n(1), n(2)), (n(3), n(4))))), n(-2)),
    "matrices": (tree.Matrix(((square, n(1)),)), tree.Matrix(((times(x, x), n(1)),))),
    "undefined functions of equal arguments": (
        call("f", times(n(2), plus(x, y))),
        call("f", plus(times(n(2), x), times(n(2), y))),
    ),
    "a root of a square": (root(square), call("abs", x)),
    "a square of a root": (tree.Power(root(x), n(2)), x),
    "a real cube root": (root(n(-8), 3), n(-2)),
    "a power that is a real cube root": (tree.Power(n(-8), n(1, 3)), n(-2)),
    "logarithms where both are real": (call("ln", square), times(n(2), call("ln", x))),
    "logarithms in a base": (call("log", n(8), n(2)), n(3)),
    "nested roots": (root(plus(n(5), times(n(2), root(n(6))))), plus(root(n(2)), root(n(3)))),
    "trigonometric constants": (
        plus(
            call("tan", tree.Quotient(times(n(3), pi), n(11))),
            times(n(4), call("sin", tree.Quotient(times(n(2), pi), n(11)))),
        ),
        root(n(11)),
    ),
    "trigonometric identities": (times(cosine, cosine), plus(n(1), minus(times(sine, sine)))),
    "Euler": (tree.Power(e, times(i, pi)), n(-1)),
    "binomials of a variable": (
        call("binomial", x, n(2)),
        tree.Quotient(times(x, plus(x, n(-1))), n(2)),
    ),
    "greatest common divisors": (call("gcd", n(12), n(18)), n(6)),
    "remainders": (call("mod", n(-7), n(3)), n(2)),
    "infinity": (infinity, infinity),
    "absolute values turned round": (
        call("abs", plus(x, minus(y))),
        call("abs", plus(y, minus(x))),
    ),
    "a maximum and an absolute value": (
        times(n(2), call("max", x, y)),
        plus(x, y, call("abs", plus(x, minus(y)))),
    ),
    "a floor moved by a whole number": (
        call("floor", plus(x, n(1))),
        plus(call("floor", x), n(1)),
    ),
    "solutions of an inequality": (relation(square, ">", n(4)), outside),
    "a chain and its interval": (
        tree.Relation((n(1), x, n(3)), ("<", "<=")),
        between(n(1), n(3), "(]"),
    ),
    "an absolute value and its interval": (
        relation(call("abs", plus(x, n(-1))), "<", n(2)),
        between(n(-1), n(3), "()"),
    ),
    "solutions of an equation": (relation(square, "=", n(4)), tree.Items("set", (n(-2), n(2)))),
    "what is excluded": (
        relation(x, "!=", n(0)),
        tree.Union((between(minus(infinity), n(0), "()"), between(n(0), infinity, "()"))),
    ),
    "multiples of an equation": (line, relation(plus(x, times(n(2), y), n(-3)), "=", n(0))),
    "an inequality turned round": (
        relation(x, "<", n(3)),
        relation(times(n(-2), x), ">", n(-6)),
    ),
}

DIFFERENT: dict[str, tuple[tree.Node, tree.Node]] = {
    "a definite integral": (call("integral", x, x, n(0), n(1)), n(1)),
    "undefined functions": (call("f", x), call("f", y)),
    "undefined functions of one argument": (call("f", x), call("g", x)),
    "a root of a square": (root(square), x),
    "numbers a trillionth of a trillionth apart": (
        root(plus(n(2), n(1, 10**24))),
        root(n(2)),
    ),
    "numbers apart by less than any float": (
        call("sin", plus(n(1), tree.Power(e, n(-1000)))),
        call("sin", n(1)),
    ),
    "infinities": (infinity, minus(infinity)),
    "infinity and a number": (infinity, n(5)),
    "solutions with and without their ends": (relation(square, ">=", n(4)), outside),
    "equations": (line, relation(plus(x, times(n(2), y)), "=", n(4))),
    "an inequality turned round wrongly": (
        relation(x, "<", n(3)),
        relation(times(n(-2), x), "<", n(-6)),
    ),
    "an absolute value beyond its kink": (call("abs", plus(x, n(-100))), plus(n(100), minus(x))),
    "a square root beyond its kink": (root(tree.Power(plus(x, y), n(2))), plus(x, y)),
    "a maximum far away": (call("max", x, n(10**6)), n(10**6)),
    "matrices of other shapes": (tree.Matrix(((n(1), n(2)),)), tree.Matrix(((n(1),), (n(2),)))),
    "matrices in one cell": (tree.Matrix(((n(1), n(2)),)), tree.Matrix(((n(1), n(3)),))),
    "a real and a principal root": (tree.Power(n(-8), n(1, 4)), n(-2)),
}

UNKNOWN: dict[str, tuple[tree.Node, tree.Node]] = {
    "a number over zero": (tree.Quotient(n(1), n(0)), tree.Quotient(n(1), n(0))),
    "zero over zero": (tree.Quotient(n(0), n(0)), n(0)),
    "a tangent without value": (call("tan", tree.Quotient(pi, n(2))), infinity),
    "a limit with two sides": (call("limit", tree.Quotient(call("abs", x), x), x, n(0)), n(1)),
    "a function of too many arguments": (call("sin", x, y), n(1)),
    "a sum without a variable": (call("sum", n(1)), n(1)),
    "floors apart by less than points can show": (
        call("floor", x),
        call("floor", plus(x, n(1, 10**9))),
    ),
    "zero to the power of zero": (tree.Power(n(0), n(0)), n(1)),
    "words": (tree.Text("yes"), n(1)),
    "a relation in two variables": (relation(x, "<", y), between(n(0), n(1), "()")),
    "an interval with an end that is no number": (
        between(x, n(1), "[]"),
        between(n(0), n(1), "[]"),
    ),
}


def _answers(pair: tuple[tree.Node, tree.Node]) -> list[object]:
    one, other = map(tree.to_json, pair)
    replies = [compare([one, other]), compare([other, one])]  # type: ignore[list-item]
    return [reply[0] for reply in replies if isinstance(reply, list)]


@pytest.mark.parametrize("kind", EQUAL)
def test_equal(kind: str) -> None:
    assert _answers(EQUAL[kind]) == ["equal", "equal"]


@pytest.mark.parametrize("kind", DIFFERENT)
def test_different(kind: str) -> None:
    assert _answers(DIFFERENT[kind]) == ["different", "different"]


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown(kind: str) -> None:
    assert _answers(UNKNOWN[kind]) == ["unknown", "unknown"]


@pytest.mark.parametrize("payload", [None, [], [["Symbol", "x"]], "text", {"a": 1}])
def test_what_is_no_pair_is_refused(payload: object) -> None:
    with pytest.raises(ValueError, match="two trees"):
        compare(payload)  # type: ignore[arg-type]


@pytest.mark.parametrize("tree", [["Symbol"], ["Nonsense", "x"], ["Number", "1", "0", None], 7])
def test_what_is_no_tree_is_refused(tree: object) -> None:
    with pytest.raises(ValueError, match="not a tree"):
        compare([tree, ["Symbol", "x"]])  # type: ignore[list-item]


@pytest.mark.behaviour("output-is-never-evaluated")
def test_names_are_never_read_as_code() -> None:
    evil = tree.Symbol("__import__('os').system('touch owned')")
    other = tree.Call("__import__('os').system", (n(1),))
    assert _answers((evil, evil)) == ["equal", "equal"]
    assert _answers((other, other)) == ["equal", "equal"]
    assert _answers((evil, n(0))) == ["different", "different"]
