"""Whether two expressions are equal: exact arithmetic first, then values with error bounds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from catsdk.answers.engine.arithmetic.normal_form import Normaliser
from catsdk.answers.engine.arithmetic.polynomials import Form, negated
from catsdk.answers.engine.arithmetic.rationals import arithmetic_of
from catsdk.answers.engine.limits import (
    Budget,
    LimitReachedError,
    UndecidedError,
    UndefinedError,
)
from catsdk.answers.engine.numeric.evaluate import rational_of
from catsdk.answers.engine.numeric.values import same_value, value_of
from catsdk.answers.engine.traversal import children, symbols_of, undefined_in
from catsdk.answers.engine.tree import Constant, Node, Number, Power, Product
from catsdk.answers.options import Options
from catsdk.answers.verdict import Tier

__all__ = ["Decision", "infinity_of", "same_expression"]

# Doubles that a program printed carry about 16 digits, the last of them noise.
_PRINTED_DIGITS = 15
_SCIENTIFIC_PLACES = 6
_NOISE = Fraction(1, 10**14)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether two expressions are equal, and by which tier."""

    equal: bool
    tier: Tier


def same_expression(left: Node, right: Node, options: Options, budget: Budget) -> Decision:
    """Decide on two expressions.

    Raises:
        UndefinedError: one of them has no value.
        UndecidedError: neither tier can tell.
        LimitReachedError: they are too large for the budget.
    """
    first, second = rational_of(left), rational_of(right)
    if first is not None and second is not None:
        equal = first == second or _near(first, second, options)
        return Decision(equal or _rounded(left, right, first, second, options), "exact")
    signs = infinity_of(left), infinity_of(right)
    if signs != (0, 0):
        return _infinities(left, right, signs, budget)
    decision = _exactly(left, right, budget)
    if decision is None:
        decision = Decision(same_value(left, right, budget), "numeric")
        if not decision.equal and undefined_in(left) != undefined_in(right):
            raise UndecidedError("a function that is not defined")
    if not decision.equal and _allows_rounding(left, right, options):
        return _approximately(left, right, options, budget)
    return decision


def _exactly(left: Node, right: Node, budget: Budget) -> Decision | None:
    first_value = arithmetic_of(left, budget)
    second_value = arithmetic_of(right, budget) if first_value is not None else None
    if first_value is not None and second_value is not None:
        return Decision(first_value == second_value, "exact")
    # What this tier spends in vain shall not be missing in the next.
    normaliser = Normaliser(budget.lend(budget.left * 3 // 5))
    try:
        first, second = normaliser.form(left), normaliser.form(right)
        if (one := first.term) and (other := second.term):
            if one[0] == other[0]:
                return Decision(one[1] == other[1], "exact")
            return _single_terms(first, second, normaliser)
        difference = normaliser.plus(first, negated(second))
    except (LimitReachedError, UndecidedError):
        if left == right:
            return Decision(True, "exact")
        return None
    finally:
        budget.take_back(normaliser.budget)
    zero = normaliser.is_zero(difference)
    return None if zero is None else Decision(zero, "exact")


def _single_terms(first: Form, second: Form, normaliser: Normaliser) -> Decision | None:
    """Compare two products by their quotient, in which huge powers cancel."""
    if first.rational is not None or second.rational is not None:
        product = first if first.rational is None else second
        return None if normaliser.is_zero(product) is None else Decision(False, "exact")
    quotient = normaliser.divide(first, second)
    if quotient.rational is not None:
        return Decision(quotient.rational == 1, "exact")
    return None if normaliser.is_zero(quotient) is None else Decision(False, "exact")


def infinity_of(node: Node) -> int:
    """Return the sign of a plain infinity, 2 where infinity stands inside, 0 where nowhere."""
    if not _holds_infinity(node):
        return 0
    if isinstance(node, Constant):
        return 1
    if isinstance(node, Product) and node.factors[-1] == Constant("infinity"):
        factor = rational_of(node.factors[0]) if len(node.factors) == 2 else None
        return int(factor) if factor in (1, -1) else 2
    return 2


def _holds_infinity(node: Node) -> bool:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Constant):
            if node.name == "infinity":
                return True
        else:
            waiting += children(node)
    return False


def _infinities(left: Node, right: Node, signs: tuple[int, int], budget: Budget) -> Decision:
    if 2 in signs and left != right:
        raise UndecidedError("infinity in an expression")
    for node, sign in zip((left, right), signs, strict=True):
        if sign == 0 and not symbols_of(node):
            # It may have no value, such as the tangent of a right angle.
            value_of(node, budget)
    return Decision(signs[0] == signs[1], "exact")


def _near(first: Fraction, second: Fraction, options: Options) -> bool:
    if not (options.absolute or options.relative):
        return False
    allowed = max(
        Fraction(options.absolute), Fraction(options.relative) * max(abs(first), abs(second))
    )
    return abs(first - second) <= allowed


def _places(node: Node) -> int:
    """Return the decimals that are written, those of `2.3148148 * 10^-3` among them."""
    match node:
        case Product((Number() as factor, *_, Power(Number(base), exponent))) if base == 10:
            power = rational_of(exponent)
            long = (factor.places or 0) >= _SCIENTIFIC_PLACES and power is not None
            return max(0, (factor.places or 0) - int(power)) if long and power is not None else 0
        case Product((*_, Number() as last)):
            return last.places or 0
        case Number():
            return node.places or 0
        case _:
            return 0


def _rounded(left: Node, right: Node, first: Fraction, second: Fraction, options: Options) -> bool:
    """Tell whether one is a long decimal that the other rounds or truncates to."""
    least = options.rounded_places
    if least is None:
        return False
    return (_places(left) >= least and _rounds_to(second, first, _places(left))) or (
        _places(right) >= least and _rounds_to(first, second, _places(right))
    )


def _rounds_to(value: Fraction, decimal: Fraction, places: int) -> bool:
    unit = Fraction(1, 10**places)
    off = abs(value) - abs(decimal) if value * decimal >= 0 else abs(value - decimal)
    if abs(decimal) < 1000 * unit:
        # Too few digits are left to say that it stands for another number.
        return value == decimal
    if -unit / 2 <= off < unit:
        return True
    digits = places + len(str(abs(int(decimal))))
    return digits >= _PRINTED_DIGITS and abs(off) <= abs(value) * _NOISE


def _allows_rounding(left: Node, right: Node, options: Options) -> bool:
    if options.absolute or options.relative:
        return True
    least = options.rounded_places
    return least is not None and max(_places(left), _places(right)) >= least


def _approximately(left: Node, right: Node, options: Options, budget: Budget) -> Decision:
    """Compare by the policies of rounding and tolerance; symbols have no single value."""
    if symbols_of(left) or symbols_of(right):
        return Decision(False, "numeric")
    try:
        values = [value_of(node, budget) for node in (left, right)]
    except UndefinedError:
        return Decision(False, "numeric")
    if any(abs(value.imag) > 1e-9 * abs(value) for value, _ in values):
        return Decision(False, "numeric")
    first, second = (
        exact if (exact := rational_of(node)) is not None else Fraction(value.real)
        for node, (value, _) in zip((left, right), values, strict=True)
    )
    near = _near(first, second, options) or _rounded(left, right, first, second, options)
    return Decision(near, "numeric")
