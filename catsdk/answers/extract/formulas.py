"""Formulas at the start of a text: between delimiters, in plain writing, as bare LaTeX."""

from __future__ import annotations

import re

from catsdk.answers.extract.numbers import TAILED, quantity_at
from catsdk.answers.extract.phrases import Value, words_at

__all__ = ["expression_at", "formula_around", "formulas_at", "latex_at"]

_FORMULA = re.compile(
    r"\$\$((?:(?!\$\$).){1,1000})\$\$|\\\[((?:(?!\\[\[\]]).){1,1000})\\\]"
    r"|\\\(((?:(?!\\[()]).){1,1000})\\\)|\$(?=[^\s$]|\s\S)((?:[^$\n\\]|\\.){1,500})(?<!\\)\$(?!\d)",
    re.DOTALL,
)
_OPERATORS = re.compile(
    r"\\(?:times|cdot|div|frac|left|right|[,;! ])|\\[dt]frac|(?<=\d)\s?x\s?(?=\d)"
)
# A function of known things, such as f(2), P(A) or sqrt(81): its value is asked for.
_APPLIED = re.compile(
    r"\\?[A-Za-z]+\{?(?:_\{?\d\}?)?\s?[({][^a-z]{1,30}[)}](?=\s*(?:=|$))|\\sqrt\{\d+\}(?=\s*=)"
)
_ALIGNED = re.compile(r"\\(?:begin|end)\{(?:aligned|align\*?|split|gathered)\}")


_JOIN = re.compile(r"\s*(?:,\s*(?:and\s|or\s|&)?|(?:\band|\bor|&|、|和)\s?|;)\s*")
_DEGREES = re.compile(r"\s?(%|\\%|percent\b|degrees\b|°)")


def formulas_at(text: str) -> Value | None:
    """Read a formula between delimiters, and those that are listed with it."""
    first = _FORMULA.match(text)
    if first is None:
        return None
    parts, rest = [_content(first)], text[first.end() :]
    while join := _JOIN.match(rest):
        following = _FORMULA.match(rest, join.end())
        if following is None or "or" in join.group():
            break
        parts.append(_content(following))
        rest = rest[following.end() :]
    if unit := _DEGREES.match(rest):
        parts[-1], rest = f"{parts[-1]}{unit.group()}", rest[unit.end() :]
    if len(parts) == 1:
        left, equals, right = parts[0].rpartition("=")
        plain = equals and not re.search(r"[A-Za-z<>!]", _OPERATORS.sub("", left))
        if plain or (equals and _APPLIED.match(parts[0])):
            return Value(right.strip(), rest)
        if _is_sum(parts[0]):
            return None
    return Value(", ".join(parts), rest)


def formula_around(text: str, at: int) -> tuple[int, str] | None:
    """Return end and content of the formula in delimiters that position `at` is inside."""
    for formula in _FORMULA.finditer(text):
        if formula.start() < at < formula.end():
            return formula.end(), _content(formula)
    return None


_FUNCTIONS = (
    "sqrt|cbrt|sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|pi|infinity|inf|max|min|mod"
    "|oo"
)
_SYMBOL = rf"(?:(?:{_FUNCTIONS})\b|[A-Za-z](?:_\{{?\w{{1,3}}\}}?)?'?(?![A-Za-z])|[πθφλ∞√∅∪∩∈ℝℤ])"
# A run of numbers, symbols and operators, in plain writing.
_RUN = re.compile(
    rf"(?:{TAILED}(?!\d)|{_SYMBOL}|[-+*/^=×·÷±≤≥<>≠≈|!(){{}}\[\]\u2212⁰¹²³⁴-⁹⁻]|,(?=\s?[-\w(\[])"
    rf"|[ \t](?=\S))+"
)
_TIMES = re.compile(r"(?<=[\d)])\s?[xX]\s?(?=[\d$(])")
_EQUALS = re.compile(r"(?<![<>!:])=(?!=)")
_NAME = re.compile(r"[A-Za-z](?:_\{?\w+\}?)?")
_LETTERS = re.compile(r"[A-J]\s?[/,]\s?[A-J]")


def expression_at(text: str) -> Value | None:
    """Read an expression, a tuple, an interval or an equation in plain writing.

    An equation of numbers gives its last side. What still has to be worked out is not an answer.
    """
    found = _RUN.match(text)
    run = _trimmed(found.group(), text) if found else ""
    rest = text[len(run) :]
    if not _is_expression(run) or (run[-1].isalnum() and rest[:1].isalpha()):
        return None
    first, *others = (side.strip() for side in _EQUALS.split(run))
    last = others[-1] if others else run
    if others and not re.search(r"[A-Za-z]", _TIMES.sub("×", first)):
        if re.fullmatch(r"[A-Za-z]", last):
            return None
        return quantity_at(last + rest) or (None if _is_sum(last) else Value(last, rest))
    if others and _APPLIED.fullmatch(first):
        return quantity_at(last + rest) or Value(last, rest)
    if len(others) > 1 and _NAME.fullmatch(first):
        return Value(f"{first} = {last}", rest)
    if _LETTERS.fullmatch(run):
        return Value(run, rest, alternatives=True)
    return None if _is_sum(run) else Value(run.rstrip("!"), rest)


_LOOSE_END = re.compile(r"(?:\s[A-Za-z])?[\s,(\[]*$")


def _trimmed(run: str, text: str) -> str:
    """Return a run without closing brackets of its surroundings and the start of a word."""
    while run.count("(") + run.count("[") < run.count(")") + run.count("]"):
        run = run[: max(run.rfind(")"), run.rfind("]"))]
    if text[len(run) :][:1].isalpha():
        run = _LOOSE_END.sub("", run)
    return run.rstrip(" ,")


_OPERATOR = re.compile(
    r"[-+*/^=×·÷±≤≥<>≠|√∪∩∈!\u2212⁰¹²³⁴-⁹]|(?:sqrt|log|ln|pi|sin|cos|tan)\b|[πθ∞∅]|\d\s?[A-Za-z(]"
    r"|^[(\[{].*,|^\[[^\[\],]+\]$"
)


def _is_expression(run: str) -> bool:
    if not run or run[-1] in "=+*/×÷^<>":
        return False
    return _OPERATOR.search(run) is not None and re.search(r"\w|[πθ∞∅]", run) is not None


_LATEX_START = re.compile(
    r"[-+(\[]{0,2}\s?(?:[\d.,]{0,20}\s?)?\\(?!boxed|fbox|ref|eqref|label|cite|item|hline|ne\b|neq\b"
    r"|not\b)(?:[A-Za-z]|\{)"
)


def latex_at(text: str) -> Value | None:
    """Read LaTeX that stands without delimiters, up to the end of its clause."""
    if _LATEX_START.match(text) is None:
        return None
    found = words_at(text, most=3)
    if found is None:
        return None
    left, equals, right = found.text.rpartition("=")
    if equals and not re.search(r"[A-Za-z]", _OPERATORS.sub("", left)):
        right = right.strip()
        return quantity_at(right + found.rest) or Value(right, found.rest)
    return None if _is_sum(found.text) else found


# What still has to be worked out, such as the question itself, or does not name a value.
_SUM = re.compile(
    r"[\d\s.,$€£()%]{1,60}(?:(?:[-+*×·÷<>≤≥≠]|(?<=[\d\s])[xX](?=\s?[\d$(])|!=|\\times|\\cdot"
    r"|\\div){1,4}[\d\s.,$€£()%]{1,60}){1,60}"
)


def _is_sum(run: str) -> bool:
    """Tell whether an expression of plain numbers is still to be worked out; a tuple is not."""
    return _SUM.fullmatch(run) is not None and re.search(r",\s", run) is None


def _content(formula: re.Match[str]) -> str:
    content = next(group for group in formula.groups() if group is not None).strip()
    return _last_row(content) if _ALIGNED.match(content) else content


def _last_row(content: str) -> str:
    """Return the last equation of aligned rows; a row that begins with a sign continues one."""
    rows = [row.strip() for row in _ALIGNED.sub("", content).replace("&", "").split("\\\\")]
    rows = [row for row in rows if row]
    start = max((at for at, row in enumerate(rows) if not row.startswith("=")), default=0)
    return " ".join(rows[start:])
