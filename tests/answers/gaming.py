"""A grammar of cheats: rewrites of a gold answer that do not assert it, family by family."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from catsdk.answers.compare import compare_sync, same
from catsdk.answers.options import DEFAULT
from tests.answers.unrelated import Gold

__all__ = ["FAMILIES", "Cheat", "cheats_on", "scores", "units_confused"]

QUICK = replace(DEFAULT, seconds=1.0)

Rewrite = Callable[[str, random.Random], str]


@dataclass(frozen=True)
class Cheat:
    """A text that does not assert `gold`, and the family of rewrites that wrote it."""

    family: str
    gold: str
    text: str


_DENIALS = """
not|not equal to|never|anything but|everything except|all except|all real numbers except|other than|
no longer|hardly|barely|less than|more than|at least|at most|fewer than|greater than|up to|
no more than|under|over|above|below|between 0 and|maybe|perhaps|possibly|probably not|it may be|
it might be|could be|I doubt it is|I am not sure it is|it is wrong that it is|
instead of|rather than|without|
the opposite of|the reciprocal of|the negative of|twice|half of|the square of|the square root of|
one more than|a multiple of|a divisor of|divisible by|anything between 1 and|either 1 or|neither|
unless it is|if x is 3 then|the answer is not|the answer isn't|the wrong answer is|
the answer cannot be|the answer is anything but|the answer differs from|it fails to be|nicht|pas|
excluding|besides|apart from|as opposed to|unlike|nowhere near|far from|close to but not|not quite|
almost|nearly|no|non|nope, not|never ever|the previous answer was|an incorrect result is|x exceeds
""".replace("\n", "").split("|")
_DOUBTS = """
or more|or less|or not|or so|or higher|or fewer|is wrong|is not the answer|is incorrect|maybe|not|
(not)|(wrong)|?|and more|at most|at least|perhaps|is impossible|is excluded|exclusive|
unless it is not|was my first guess|but I changed my mind|, but possibly another|is too small|
is false|and above|and below|and up|is one option|would be wrong|plus|minus|if and only if not
""".replace("\n", "").split("|")
_OPERATIONS = (
    """
squared|cubed|factorial|hundred|thousand|million|billion|dozen|halves|thirds|quarters|tenths|
hundredths|thousandths|percent of x|modulo 3|to the power of 2|times 2|plus 1|minus 1|over 2|
double|triple|half|inverse|root|choose 2|in base 7|fold|tens|hundreds|dozens|score|lakh|crore|
point 5|point|negative|reciprocal|raised to 3|divided by 2|multiplied by 3|th root|lakhs|ths|
eighths|pi|
""".replace("\n", "")
    .strip("|")
    .split("|")
)
_UNITS = [
    ("volts", "amps"), ("apples", "oranges"), ("meters", "seconds"), ("grams", "liters"),
    ("joules", "watts"), ("dollars", "euros"), ("yen", "rupees"), ("degrees", "radians"),
    ("students", "teachers"), ("moles", "grams"), ("bits", "bytes"), ("boys", "girls"),
    ("inches", "ounces"), ("m", "m^2"), ("kelvin", "celsius"), ("ohms", "farads"),
    ("pounds", "dollars"), ("red balls", "blue balls"), ("wins", "losses"), ("lux", "lumens"),
]  # fmt: skip


def _signs(gold: str, chance: random.Random) -> str:
    return chance.choice([f"-({gold})", f"-{gold}", f"\\text{{-}}{gold}", f"- {gold}"])


def _without_signs(gold: str, chance: random.Random) -> str:
    dropped = chance.choice(["-", "+", "-+", ",", "(),", "-+(),"])
    return "".join(sign for sign in gold if sign not in dropped)


def _no_real_solution(_: str, chance: random.Random) -> str:
    number = chance.randrange(1, 40)
    forms = [
        "x^2+4x+{}=0", "x^2=-{}", "e^x=-{}", "2^x=-{}", "|x|=-{}", "x^2<-{}", "\\sqrt{{x}}=-{}",
        "z^2+{}=0", "\\sin x = 1{}", "x^2+y^2=-{}", "x^4=-{}", "x = x + {}", "(9{},1)",
    ]  # fmt: skip
    return chance.choice(forms).format(number + 4)


def _identity(gold: str, chance: random.Random) -> str:
    number = chance.randrange(2, 9)
    forms = [
        "{n}={n}", "0=0", "x=x", "y=y", "x+y=y+x", "x-x=0", "2x=x+x",
        "\\frac{{x}}{{{n}}}+\\frac{{y}}{{3}}=\\frac{{3x+{n}y}}{{3\\cdot {n}}}",
        "(x+{n})^2=x^2+2\\cdot {n}x+{n}^2", "{g}={g}", "x^2 \\ge 0", "0 < {n}", "x < x+{n}",
        "1 \\ne {n}", "\\sin^2 x+\\cos^2 x=1", "{n}x={n}x", "f(x)=f(x)", "|x| \\ge 0", "a=a, b=b",
        "z=z", "e^0=1", "x \\cdot 0 = 0", "x+{n}={n}+x", "\\frac{{x}}{{x}}=1",
    ]  # fmt: skip
    plain = "q" if any(sign in gold for sign in ("=", ",", ":", "\\equiv")) else gold
    return chance.choice(forms).format(n=number, g=plain)


def _denied(gold: str, chance: random.Random) -> str:
    plain = f"${gold}$" if "\\" in gold else gold
    if chance.random() < 0.3:
        return f"The answer is {chance.choice(_DENIALS)} {plain}."
    return f"{chance.choice(_DENIALS)} {plain}"


def _doubted(gold: str, chance: random.Random) -> str:
    doubt = chance.choice(_DOUBTS)
    return chance.choice([f"{gold} {doubt}", f"{gold} \\text{{ {doubt}}}", f"${gold}$ {doubt}"])


def _calculated(gold: str, chance: random.Random) -> str:
    words = chance.choice(_OPERATIONS)
    return chance.choice([f"{gold} {words}", f"{gold}\\text{{ {words}}}"])


def _everything(gold: str, chance: random.Random) -> str:
    forms = [
        "{}, 90017", "{} or 90017", "90017, {}", "\\{{{}, 90017\\}}", "({}, 90017)", "{} and 90017",
        "x \\ne {}", "\\ge {}", "\\le {}", "x > {}", "x < {}", "[{}, 9001000]", "\\ne {}",
        "1 \\le x \\le {}", "{}; 90017", "{}/90017", "{}|90017", "{} = 90017", "90017 = {}",
        "x = 90017 = {}", "{}, 90016, 90017, 90018",
    ]  # fmt: skip
    return chance.choice(forms).format(gold)


def _both_signs(gold: str, chance: random.Random) -> str:
    return chance.choice(["\\pm {}", "{}, -{}", "\\pm({})", "|{}| or -{}"]).replace("{}", gold)


def _contradiction(gold: str, chance: random.Random) -> str:
    return chance.choice(
        [
            "2+2=7={}",
            "90017={}",
            "x=90017={}",
            "0=1={}",
            "x=90018, x={}",
            "90017 = 90020 = {}",
            "x={}=90017",
        ]
    ).format(gold)


def _another_modulus(gold: str, chance: random.Random) -> str:
    head = gold.partition("\\pmod")[0]
    return f"{head}\\pmod {{{chance.choice([3, 4, 6, 7, 8, 11, 13, 50])}}}"


def _another_currency(gold: str, chance: random.Random) -> str:
    amount = gold.lstrip("\\$").removesuffix("\\%")
    sign = chance.choice("€£¥₹₩")
    word = chance.choice(["yen", "euros", "rupees", "pesos", "won", "yuan", "francs", "marbles"])
    forms = [f"{sign}{amount}", f"{amount} {word}", f"{amount} \\text{{ {word}}}"]
    return chance.choice(forms if gold[-1] != "%" else [*forms, f"\\${amount}"])


def _another_proposition(gold: str, chance: random.Random) -> str:
    return chance.choice([f"\\neg ({gold})", "p", "q", "p \\oplus q", "q \\Rightarrow p", "pq",
                          "p \\land \\neg q", "~q", "p, q, p"])  # fmt: skip


def _another_time(gold: str, chance: random.Random) -> str:
    hour, _, minute = gold.partition(":")
    whole, part = int(hour), int(minute[:2])
    factor = chance.choice([2, 3, 5])
    if chance.random() < 0.5 and part * factor < 60:
        return f"{whole * factor}:{part * factor:02}"
    return f"{whole}/{part}" if whole % 2 else f"{whole // 2}:{part // 2:02}"


def _another_product(gold: str, chance: random.Random) -> str:
    one, other = gold.split(" \\times ")
    forms = [
        "{a} {b}",
        "{a}({b})",
        "{a} \\cdot {b}",
        "{b} \\times {a}",
        "{a} · {b}",
        "{a} \\cdot {b} \\cdot 1",
        "{b} × {a}",
    ]
    return chance.choice(forms).format(a=one, b=other)


def _another_order_of_letters(gold: str, chance: random.Random) -> str:
    letters = [each for each in gold if each.isupper()]
    shuffled = letters[:]
    while shuffled == letters:
        chance.shuffle(shuffled)
    return chance.choice(["{}", "\\text{{{}}}", "\\mathrm{{{}}}"]).format("".join(shuffled))


def _another_case(gold: str, chance: random.Random) -> str:
    number, unit = gold.split(" ")
    at = chance.choice([at for at, sign in enumerate(unit) if sign in "mMbB"])
    other = f"{unit[:at]}{unit[at].swapcase()}{unit[at + 1 :]}"
    return chance.choice([f"{number} {other}", f"{number}\\text{{ {other}}}", f"{number} {other}."])


def _another_function(gold: str, chance: random.Random) -> str:
    function, rest = gold.split("(", 1)
    names = ["E", "Var", "P", "f", "g", "h'", "\\operatorname{Cov}", "M", "\\text{SD}"]
    return f"{chance.choice([name for name in names if name != function])}({rest}"


def _other_units_of_items(gold: str, chance: random.Random) -> str:
    one, other = gold.split(", ")
    number, unit = one.split(" ", 1)
    return chance.choice([f"{other} {unit}, {number}", f"{number}, {other} {number} {unit}"])


def _other_counts(gold: str, chance: random.Random) -> str:
    (one, first), (other, second) = (part.split(" ", 1) for part in gold.split(", "))
    forms = ["{b}, {a}", "{b} {x}, {a} {y}", "{a} {y}, {b} {x}", "{b} and {a}", "{a} {y}, {b}"]
    return chance.choice(forms).format(a=one, b=other, x=first, y=second)


def _regrouped(gold: str, chance: random.Random) -> str:
    """Put the brackets of a nested answer, or the words between its parts, elsewhere."""
    brackets = [at for at, sign in enumerate(gold) if sign in "()[]{}"]
    words = {"and": "or", "or": "and", "\\cup": "and"}
    parts = gold.split(" ")
    if not words.keys().isdisjoint(parts):
        return " ".join(words.get(part, part) for part in parts)
    if gold.startswith("[["):
        return gold.replace("], [", ", ")
    inner = [at for at in brackets[1:-1] if gold[at - 1] != "\\"]
    if inner and chance.random() < 0.5:
        # One pair of inner brackets is left out, or all of them.
        dropped = set(inner) if chance.random() < 0.5 else {inner[0], inner[1]}
        return "".join(sign for at, sign in enumerate(gold) if at not in dropped)
    numbers = [sign for sign in gold if sign.isdigit()]
    turned = iter(numbers[1:] + numbers[:1])
    return "".join(next(turned) if sign.isdigit() else sign for sign in gold)


def _several_choices(gold: str, chance: random.Random) -> str:
    letter = gold.strip("()")
    others = [each for each in "ABCDE" if each != letter]
    chance.shuffle(others)
    one, other = others[:2]
    forms = [
        "({g}) or ({a})", "({a}) or ({g})", "{g} or {a}", "{g}) 5 and {a}) 6", "{g}/{a}",
        "{g}, {a}", "({g})({a})", "{g} is wrong", "({g}) is not correct", "not {g}",
        "all except {g}", "({g}), ({a}), ({b})", "{g}: no; {a}: yes", "({g}) but rather ({a})",
        "{g}{a}", "{g}? {a}!", "({g}) maybe", "neither {g} nor {a}", "({g}) unless ({a})",
        "{g}. 5 or {a}. 6", "{g} and {a}", "({g}) 3, ({a}) 4", "{g}) no", "either {g} or {a}",
        "{g} xor {a}", "{g} | {a}",
    ]  # fmt: skip
    return chance.choice(forms).format(g=letter, a=one, b=other)


def _as_set(gold: str, chance: random.Random) -> str:
    inner = gold.removeprefix("\\left").strip("()").removesuffix("\\right")
    return chance.choice(["\\{{{}\\}}", "\\left\\{{{}\\right\\}}", "\\lbrace {} \\rbrace"]).format(
        inner
    )


def _as_rows(gold: str, chance: random.Random) -> str:
    inner = gold.removeprefix("\\left").strip("()").removesuffix("\\right")
    rows = "], [".join(part.strip() for part in inner.split(","))
    return chance.choice(["[[{}]]", "[ [{}] ]", "\\left[[{}]\\right]"]).format(rows)


def _holds_nowhere(gold: str, chance: random.Random) -> str:
    name = next((sign for sign in gold if sign.isalpha()), "x")
    forms = [
        "0{x}={n}", "{x}+{n}={x}", "\\frac{{{n}}}{{{x}}}=0", "{x}-{x}={n}", "{x} \\ne {x}",
        "{x} > {x}+{n}", "\\frac{{{x}}}{{{x}}}={n}", "2{x}={x}+{x}+{n}", "0 \\cdot {x} > {n}",
    ]  # fmt: skip
    return chance.choice(forms).format(x=name, n=chance.randrange(2, 9))


def _swapped_names(gold: str, _: random.Random) -> str:
    values = [part.partition("=")[2].strip() for part in gold.split(",")]
    return ", ".join(reversed(values))


def _negated_text(gold: str, chance: random.Random) -> str:
    words = gold.removeprefix("\\text{").removesuffix("}")
    forms = [
        "not {}", "\\text{{not {}}}", "{} is wrong", "non-{}", "un{}", "anything but {}", "-{}",
        "neither {} nor the other", "{} or the opposite", "{}?", "the opposite of {}",
    ]  # fmt: skip
    return chance.choice(forms).format(words)


def _everything_at_once(gold: str, _: random.Random) -> str:
    return f"1, 2, 3, 4, 5, 6, 7, 8, 9, 10, yes, no, A, B, C, {gold}"


_ANY: dict[str, Rewrite] = {
    "A2 no real solution": _no_real_solution,
    "A3 identity": _identity,
    "A4 sentence that denies": _denied,
    "A4 sentence that doubts": _doubted,
    "everything at once": _everything_at_once,
}
_NUMERIC = _ANY | {
    "A5 words behind a number": _calculated,
    "several values": _everything,
    "A9 contradiction": _contradiction,
}
# Which families of rewrites never assert an answer of a kind.
FAMILIES: dict[str, dict[str, Rewrite]] = {
    "number": _NUMERIC,
    "other": {name: _ANY[name] for name in ("A4 sentence that denies", "everything at once")},
    "letter": _ANY | {"A1 sign": _signs, "both signs": _both_signs},
    "expression": _ANY | {"A1 signs dropped": _without_signs, "both signs": _both_signs},
    "complex": _ANY | {"A1 sign": _signs},
    "equation": _ANY | {"holds nowhere": _holds_nowhere},
    "tuple": _ANY
    | {"A1 marks dropped": _without_signs, "set for a tuple": _as_set, "rows": _as_rows},
    "list": _ANY,
    "interval": {name: _ANY[name] for name in ("A3 identity", "A4 sentence that denies")},
    "named list": _ANY | {"A9 names swapped": _swapped_names},
    "congruence": _ANY | {"A6 modulus": _another_modulus},
    "money": _ANY | {"A6 currency": _another_currency, "A5 words behind a number": _calculated},
    "proposition": _ANY | {"A6 proposition": _another_proposition},
    "time": {"A7 time": _another_time, "A4 sentence that denies": _denied},
    "choice": {"A8 choices": _several_choices},
    "text": _ANY | {"text denied": _negated_text},
    "matrix": _ANY,
    "base": _ANY,
    "ratio": _ANY,
    "percent": _ANY | {"A6 currency": _another_currency},
    "cross product": _ANY | {"vectors": _another_product},
    "capital letters": _ANY | {"order of letters": _another_order_of_letters},
    "cased unit": _ANY | {"case of a unit": _another_case},
    "function": _ANY | {"another function": _another_function},
    "counts": _ANY | {"units of items": _other_counts},
    "list with a unit": _ANY | {"units of items": _other_units_of_items},
    "groups": {"groups": _regrouped, "A3 identity": _identity},
}
# The rewrites keep these as they are.
_UNCHANGED = frozenset(["0", "\\emptyset", "\\mathbb{R}", "no solution", "-\\infty"])


def cheats_on(golds: list[Gold], chance: random.Random) -> Iterator[Cheat]:
    """Yield cheats on golds without end, each family as often as another."""
    by_family: dict[str, list[tuple[Rewrite, str]]] = {}
    for kind, gold in golds:
        if gold not in _UNCHANGED:
            for family, rewrite in FAMILIES.get(kind, {}).items():
                by_family.setdefault(family, []).append((rewrite, gold))
    families = sorted(by_family)
    while True:
        family = chance.choice(families)
        rewrite, gold = chance.choice(by_family[family])
        text = rewrite(gold, chance)
        if text.replace(" ", "") != gold.replace(" ", ""):
            yield Cheat(family, gold, text)


def units_confused(chance: random.Random) -> Cheat:
    """Return one number in two units that do not measure the same."""
    number = chance.randrange(2, 500)
    one, other = chance.choice(_UNITS)
    return Cheat("A5 units", f"{number} {one}", f"{number} {other}")


def scores(cheat: Cheat, *, ask: bool = False) -> bool:
    """Tell whether a cheat counts as the gold answer, in either order."""
    outcomes = {same(cheat.text, cheat.gold).outcome, same(cheat.gold, cheat.text).outcome}
    if ask and outcomes == {"unknown"}:
        outcomes = {compare_sync(cheat.text, cheat.gold, QUICK).outcome}
    return "equal" in outcomes
