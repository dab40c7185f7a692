"""What an answer looks like where a text begins with one: a number, a formula, a letter, a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from catsdk.equivalence.extract.wording import ELLIPSIS
from catsdk.equivalence.parse.number_words import number_of
from catsdk.equivalence.parse.units import SCALES, is_unit

__all__ = [
    "Value",
    "choice_at",
    "formula_around",
    "one_number",
    "value_at",
    "whole_value",
    "words_at",
]


@dataclass(frozen=True, slots=True)
class Value:
    """An answer at the start of a text, and what follows it there."""

    text: str
    rest: str
    alternatives: bool = False


_WINDOW = 1_200
_MOST_JOINED = 8
_OR = re.compile(r"\s?,?\s?\b(or|and)\s")
_SIGN = r"[-+\u2212\u2013±]?"
_MONEY = r"(?:(?:US|AU|CA)?\\?[$€£¥₹]\s?)?"
_DIGITS = r"\d{1,400}(?:(?:,|\{,\}|\u202f)\d{1,400})*(?:\.\d{1,400}(?!\.\d))?|\.\d{1,400}"
_NUMBER = rf"{_SIGN}{_MONEY}{_SIGN}(?:{_DIGITS})"
_POWER = r"(?:[eE][-+]?\d{1,4}(?![\w.])|\s?[×x*]\s?10\s?(?:\^\s?\{?\s?[-+\u2212]?\d{1,4}\}?|[⁰¹²³⁴-⁹⁻]{1,5}))?"
_TAILED = rf"{_NUMBER}{_POWER}(?:\s?(?:\\?%|°[CF]?|[½⅓⅔¼¾⅛]))?"
# Fractions, mixed numbers, ratios, times, dates: numbers tied to numbers.
_QUANTITY = re.compile(
    rf"{_TAILED}(?:\ \d{{1,9}}/\d{{1,9}}|\s?[/:]\s?{_TAILED}|-\d{{1,2}}-\d{{1,2}})*"
    r"(?:\s?(?:[ap]\.m\.|[ap]m(?![a-z])))?(?![A-Za-z0-9π√θ])(?!\^)",
    re.IGNORECASE,
)
_FUNCTIONS = "sqrt|cbrt|sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|pi|infinity|inf|max|min|mod|oo"
_SYMBOL = rf"(?:(?:{_FUNCTIONS})\b|[A-Za-z](?:_\{{?\w{{1,3}}\}}?)?'?(?![A-Za-z])|[πθφλ∞√∅∪∩∈ℝℤ])"
# A run of numbers, symbols and operators, in plain writing.
_RUN = re.compile(
    rf"(?:{_TAILED}(?!\d)|{_SYMBOL}|[-+*/^=×·÷±≤≥<>≠≈|!(){{}}\[\]\u2212⁰¹²³⁴-⁹⁻]|,(?=\s?[-\w(\[])|[ \t](?=\S))+"
)
_OPERATOR = re.compile(
    r"[-+*/^=×·÷±≤≥<>≠|√∪∩!\u2212⁰¹²³⁴-⁹]|(?:sqrt|log|ln|pi|sin|cos|tan)\b|[πθ∞∅]|\d\s?[A-Za-z(]|^[(\[{].*,|^\[[^\[\],]+\]$"
)
_LATEX_START = re.compile(
    r"[-+(\[]{0,2}\s?(?:[\d.,]{0,20}\s?)?\\(?!boxed|fbox|ref|eqref|label|cite|item|hline|ne\b|neq\b|not\b)(?:[A-Za-z]|\{)"
)
_FORMULA = re.compile(
    r"\$\$((?:(?!\$\$).){1,1000})\$\$|\\\[((?:(?!\\[\[\]]).){1,1000})\\\]|\\\(((?:(?!\\[()]).){1,1000})\\\)"
    r"|\$(?=[^\s$]|\s\S)((?:[^$\n\\]|\\.){1,500})(?<!\\)\$(?!\d)",
    re.DOTALL,
)
_OPERATORS = re.compile(
    r"\\(?:times|cdot|div|frac|left|right|[,;! ])|\\[dt]frac|(?<=\d)\s?x\s?(?=\d)"
)
_MARK = re.compile(r"(\*{1,3}|_{2}|`{1,3}|\"|“|<b>|<strong>)(?=\S)")
_CLOSING = {"“": "”", "<b>": "</b>", "<strong>": "</strong>"}
_CHOICE = re.compile(
    r"\(([A-J])\)|\[([A-J])\]|([A-J])(?![\w'’\-+*/^=<>(]|\s?[-+*/^=<>≤≥]\s?[\w(\\])"
)
_AFTER_CHOICE = re.compile(
    r"[\s)]*(?:$|[.,:;)*—–\n…!]|(?:because|since|as|is|for|with|from|and|but|so|in|on|due)\b|-\s|\(|/)"
)
_AFTER_ARTICLE = re.compile(r"[\s)]*(?:$|[.,:;)*—–\n!]|(?:because|since|as|and)\b)")
_JOIN = re.compile(r"\s*(?:,\s*(?:and\s|or\s|&)?|(?:\band|\bor|&|、|和)\s?|;)\s*")
_CLAUSE = re.compile(
    r"[.!?。！？](?=\s|$|\*|\")|[;\n]|—|\s[-–]\s|\s\("
    r"|,?\s(?=(?:since|because|which|as|where|so|but|given|after|before|if|when|while|due)\b)"
    r"|,(?=\s(?:and|the|it|he|she|they|we|you|i|this|that|not)\b)|,(?=\s[a-z]+ing\b)"
    r"|[。，；]"
)
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:['’-][^\W_]+)*")
_LATEX_WORDS = re.compile(r"\\[A-Za-z]+(?:\{[^{}]{0,80}\})?|\$[^$]{0,200}\$")
_CHANGING = frozenset(
    [
        "squared",
        "cubed",
        "factorial",
        "hundred",
        "thousand",
        "million",
        "billion",
        "trillion",
        "dozen",
        "half",
        "halves",
        "third",
        "thirds",
        "quarter",
        "quarters",
        "fourth",
        "fourths",
        "fifth",
        "fifths",
        "sixth",
        "eighths",
        "tenths",
        "hundredths",
        "percent",
        "percentage",
        "plus",
        "minus",
        "over",
        "divided",
        "multiplied",
        "or",
        "through",
        "mod",
        "modulo",
        "choose",
        "out",
        "not",
        "except",
        "th",
        "st",
        "nd",
        "rd",
        "root",
        "raised",
        "power",
    ]
)
# These change a number only with what follows: "5 more than x", "20% of 50", "3 to 4", "5 in base 6".
_CHANGING_WITH = re.compile(
    r"\s?(?:(?:more|less|fewer|greater|higher|lower|larger|smaller|short)\b[^.,;]{0,30}?\b(?:than|of)\b"
    r"|(?:of|to|and|times|point|below|above|under|from)\s\$?-?[\d(]|in base\b|or\b|away\b)"
)
_FILLER = re.compile(
    r"(?:(?:therefore|thus|hence|then|simply|just|clearly|exactly|precisely|indeed|also|now|equal to|equals"
    r"|obviously|actually|definitely|certainly|for sure|approximately|about|around|roughly|nearly|given by"
    r"|option|choice|letter|a total of|in total|the number|the value|the letter|number|value)\b[,:]?\s+"
    r"|[:=≈≅~→>]\s*|\\approx\s*|is\s+)+",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:is|are|was|were|equals?|has|have|can|will)\b|=", re.IGNORECASE)
_SIGNED = re.compile(r"(?:negative|minus)\s+(?=\$?\s?\d)", re.IGNORECASE)
# A function of known things, such as f(2), P(A) or sqrt(81): its value is asked for.
_APPLIED = re.compile(
    r"\\?[A-Za-z]+\{?(?:_\{?\d\}?)?\s?[({][^a-z]{1,30}[)}](?=\s*(?:=|$))|\\sqrt\{\d+\}(?=\s*=)"
)
_TIMES = re.compile(r"(?<=[\d)])\s?[xX]\s?(?=[\d$(])")
# What still has to be worked out, such as the question itself, or does not name a value.
_SUM = re.compile(
    r"[\d\s.,$€£()%]+(?:(?:[-+*×·÷<>≤≥≠]|(?<=[\d\s])[xX](?=\s?[\d$(])|!=|\\times|\\cdot|\\div)+[\d\s.,$€£()%]+)+"
)
_SIMPLE = re.compile(
    r"(-?)\$?(\d{1,15})(?:\.(\d{1,15}))?(?:/(\d{1,15}))?\s?(%|percent)?", re.IGNORECASE
)
_AROUND = " \t\n:*_`\"'“”"


def value_at(text: str, *, several: bool = False) -> Value | None:
    """Read the number, formula, quantity, tuple or letter of a choice that `text` begins with.

    Marks of emphasis and filling words in front of it are left out. The answer keeps words behind
    a number only where they change what it says. Of equations the last side is the answer. With
    `several`, an "or" joins parts of one answer, as in a list of solutions; else it makes them
    `alternatives`.
    """
    found = _one(_start(text), several)
    for _ in range(_MOST_JOINED):
        other = _OR.match(found.rest) if found is not None else None
        following = _one(_start(found.rest[other.end() :]), several) if found and other else None
        if found is None or following is None:
            break
        joint = other.group(1) if other else ""
        if joint == "and" and not ("=" in found.text and "=" in following.text):
            break
        if several or "=" in found.text:
            found = Value(f"{found.text} {joint} {following.text}", following.rest)
        else:
            different = found.alternatives or following.text != found.text
            found = Value(found.text, following.rest, different)
    if found is None or found.rest.startswith((ELLIPSIS, "...")):
        return None
    return Value(found.text, found.rest) if several and found.alternatives else found


def _one(text: str, several: bool) -> Value | None:
    if mark := _MARK.match(text):
        return _marked(text, mark, several)
    if sign := _SIGNED.match(text):
        found = _quantity(text[sign.end() :])
        return found and Value(f"-{found.text}", found.rest, found.alternatives)
    for read in (_formulas, _quantity, choice_at, _run, _latex, _number_word):
        if (found := read(text)) is not None:
            return found
    return None


def whole_value(text: str) -> str | None:
    """Return the answer that `text` is as a whole, with a few words of unit behind it at most."""
    text = text.strip()
    found = value_at(text)
    if found is None or found.alternatives or ELLIPSIS in found.rest:
        return None
    rest = found.rest.strip(f"{_AROUND}.,!)")
    words = _WORD.findall(rest)
    if len(words) > 3 or re.search(r"\d|[=≠?]", rest) or _VERB.search(rest):
        return None
    return found.text


def words_at(text: str, most: int = 4) -> Value | None:
    """Read an answer in at most `most` words that `text` begins with, up to the end of the clause."""
    text = _start(text)
    end = _CLAUSE.search(text)
    phrase = text[: end.start()] if end else text
    rest = text[end.start() :] if end else ""
    phrase = phrase.strip(_AROUND).rstrip(",")
    count = len(_WORD.findall(_LATEX_WORDS.sub(" ", phrase)))
    if not phrase or count > most or len(phrase) > 200 or ELLIPSIS in phrase or "?" in rest[:2]:
        return None
    return Value(phrase, rest)


def one_number(sentence: str) -> str | None:
    """Return the one number of a sentence, with its unit; `None` where there is none or several."""
    found: list[str] = []
    at = 0
    while match := _STANDALONE.search(sentence, at):
        value = _quantity(sentence[match.start() :])
        if value is None or value.alternatives or found:
            return None
        found.append(value.text)
        at = len(sentence) - len(value.rest)
    return found[0] if found else None


# An operator with something behind it; a slash in front of a word belongs to a unit.
_GOES_ON = re.compile(
    r"\s?(?:[-+*^=×·÷±≤≥<>√\u2212]\s?[-\w(\\$√]|\\(?:times|cdot|div|pm|frac|sqrt|pi|le|ge|ne)\b|/\s?[\d(\\$√]|\([-\dA-Za-z\\]{1,3}[)+-]|[²³]|!\s?[-+*/×=])"
)
_POWERS = ("square", "cubic", "sq", "cu")
_ONE_UNIT = r"\s?(?:(?:square|cubic|sq|cu)\.?\s)?[^\W\d_²³]+\.?(?:\s?(?:per|/)\s?[^\W\d_²³]+|\^?[²³23](?!\d))?"
_UNIT = re.compile(rf"{_ONE_UNIT}(?:,?\s(?:and\s)?(?:{_DIGITS}){_ONE_UNIT})*")
_STANDALONE = re.compile(rf"(?<![\w.,/^:]){_NUMBER}|(?<=\w)\d")


def formula_around(text: str, at: int) -> tuple[int, int, str] | None:
    """Return start, end and content of the formula in delimiters that position `at` is inside."""
    for formula in _FORMULA.finditer(text):
        if formula.start() < at < formula.end():
            return formula.start(), formula.end(), _content(formula)
    return None


def choice_at(text: str) -> Value | None:
    """Read the letter of a choice that `text` begins with."""
    found = _CHOICE.match(text)
    if found is None:
        return None
    letter = found.group(1) or found.group(2) or found.group(3)
    rest = text[found.end() :]
    if found.group(3) and not (_AFTER_ARTICLE if letter in "AI" else _AFTER_CHOICE).match(rest):
        return None
    other = re.match(r"\)?\*{0,2},?\s{0,3}(?:or|and|/|&|,)\s{0,3}\(?[A-J]\b(?!['’])", rest)
    return Value(letter, rest.lstrip(")"), alternatives=other is not None)


def _start(text: str) -> str:
    text = text[:_WINDOW].lstrip(" \t\n:")
    filler = _FILLER.match(text)
    return text[filler.end() :] if filler else text


def _marked(text: str, mark: re.Match[str], several: bool) -> Value | None:
    closing = _CLOSING.get(mark.group(), mark.group())
    end = text.find(closing, mark.end())
    if end < 0 or "\n\n" in text[mark.end() : end]:
        return value_at(text[mark.end() :], several=several) if end < 0 else None
    inner, rest = text[mark.end() : end], text[end + len(closing) :]
    found = value_at(inner, several=several)
    if found is None:
        return None
    if not found.rest.strip(f"{_AROUND}.,"):
        again = re.match(r"\s?(?:=|or\b|/)\s?", rest)
        if again and again.group().strip() == "=":
            return value_at(rest[again.end() :], several=several)
        if again and value_at(rest[again.end() :]) is not None:
            return Value(found.text, rest, alternatives=True)
    return Value(found.text, found.rest + rest, found.alternatives)


def _formulas(text: str) -> Value | None:
    """Read a formula between delimiters, and those that are listed with it."""
    first = _FORMULA.match(text)
    if first is None:
        return None
    parts, rest = [_content(first)], text[first.end() :]
    if again := re.match(r"\s?=\s?", rest):
        if (found := value_at(rest[again.end() :])) is not None:
            return found
    while join := _JOIN.match(rest):
        following = _FORMULA.match(rest, join.end())
        if following is None or "or" in join.group():
            break
        parts.append(_content(following))
        rest = rest[following.end() :]
    if unit := re.match(r"\s?(%|\\%|percent\b|degrees\b|°)", rest):
        parts[-1], rest = f"{parts[-1]}{unit.group()}", rest[unit.end() :]
    if len(parts) == 1:
        left, equals, right = parts[0].rpartition("=")
        plain = equals and not re.search(r"[A-Za-z<>!]", _OPERATORS.sub("", left))
        if plain or (equals and _APPLIED.match(parts[0])):
            return Value(right.strip(), rest)
        if _is_sum(parts[0]):
            return None
    return Value(", ".join(parts), rest)


def _content(formula: re.Match[str]) -> str:
    return next(group for group in formula.groups() if group is not None).strip()


def _quantity(text: str) -> Value | None:
    """Read a number with what belongs to it."""
    found = _QUANTITY.match(text)
    if found is None:
        return None
    number, rest = found.group(), text[found.end() :]
    if _GOES_ON.match(rest):
        return None
    words = re.match(r"\s*(?:-\s?)?([^\W\d_²³]+|[°$¢])", rest)
    first = words.group(1).lower() if words else ""
    if listed := re.match(rf"(?:\s?(?:,|\band\b|&)\s?(?:and\s)?{_TAILED}(?![\w.]))+", rest):
        return Value(number + listed.group(), rest[listed.end() :])
    if other := re.match(rf"\s?(?:,\s?)?\bor\s(?:\w+\s)?({_TAILED}(?:/\d+)?)(?!\w)", rest):
        same = _rational(number) is not None and _rational(number) == _rational(other.group(1))
        return Value(number, rest[other.end() :], alternatives=not same)
    if first in _CHANGING or first in SCALES or _CHANGING_WITH.match(rest):
        return _phrase(text)
    if first and (is_unit(first) or first in _POWERS):
        unit = _UNIT.match(rest)
        end = unit.end() if unit else 0
        return Value(number + rest[:end].rstrip("."), rest[end:])
    return Value(number, rest)


def _phrase(text: str) -> Value | None:
    """Read a number whose words say more than a unit does, with all of them."""
    found = words_at(text, most=6)
    if found is None or _VERB.search(found.text):
        return None
    return Value(found.text, found.rest, alternatives=re.search(r"\bor\b", found.text) is not None)


def _run(text: str) -> Value | None:
    """Read an expression, a tuple, an interval or an equation in plain writing."""
    found = _RUN.match(text)
    if found is None:
        return None
    run = found.group()
    while run and (run.count("(") + run.count("[") < run.count(")") + run.count("]")):
        run = run[: max(run.rfind(")"), run.rfind("]"))]
    run = re.sub(r"(?:\s[A-Za-z])?[\s,(\[]*$", "", run) if text[len(run) :][:1].isalpha() else run
    run = run.rstrip(" ,")
    rest = text[len(run) :]
    if (
        not run
        or not _OPERATOR.search(run)
        or not re.search(r"\w|[πθ∞∅]", run)
        or run[-1] in "=+*/×÷^<>"
    ):
        return None
    if re.match(r"[^\W\d_]", rest) and run[-1].isalnum():
        return None
    sides = [side.strip() for side in re.split(r"(?<![<>!:])=(?!=)", run)]
    if len(sides) > 1 and not re.search(r"[A-Za-z]", _TIMES.sub("×", sides[0])):
        if re.fullmatch(r"[A-Za-z]", sides[-1]):
            return None
        return _quantity(sides[-1] + rest) or (
            None if _is_sum(sides[-1]) else Value(sides[-1], rest)
        )
    if len(sides) > 1 and _APPLIED.fullmatch(sides[0]):
        return _quantity(sides[-1] + rest) or Value(sides[-1], rest)
    if re.fullmatch(r"[A-J]\s?[/,]\s?[A-J]", run):
        return Value(run, rest, alternatives=True)
    return None if _is_sum(run) else Value(run.rstrip("!"), rest)


def _is_sum(run: str) -> bool:
    """Tell whether an expression of plain numbers is still to be worked out; a tuple is not."""
    return _SUM.fullmatch(run) is not None and re.search(r",\s", run) is None


def _latex(text: str) -> Value | None:
    """Read LaTeX that stands without delimiters, up to the end of its clause."""
    if _LATEX_START.match(text) is None:
        return None
    found = words_at(text, most=3)
    if found is None:
        return None
    left, equals, right = found.text.rpartition("=")
    if equals and not re.search(r"[A-Za-z]", _OPERATORS.sub("", left)):
        return _one(right.strip() + found.rest, several=False)
    return None if _is_sum(found.text) else found


def _number_word(text: str) -> Value | None:
    found = words_at(text, most=8)
    if found is None:
        return None
    words = _WORD.findall(found.text.lower())
    for count in range(min(len(words), 6), 0, -1):
        first = " ".join(words[:count])
        if (
            words[0] not in ("the", "a", "an", "second", "first", "one")
            and number_of(first) is not None
        ):
            if (words[count:] or [""])[0] in _CHANGING:
                return None if _VERB.search(found.text) else found
            at = found.text.lower().find(words[count - 1]) + len(words[count - 1])
            return Value(first if count > 1 else found.text[:at], found.text[at:] + found.rest)
    return None


def _rational(text: str) -> Fraction | None:
    found = _SIMPLE.fullmatch(text.replace(",", "").strip())
    if found is None:
        return None
    sign, whole, decimals, bottom, percent = found.groups()
    value = Fraction(f"{sign}{whole}.{decimals or 0}")
    if bottom:
        if not int(bottom):
            return None
        value /= int(bottom)
    return value / 100 if percent else value
