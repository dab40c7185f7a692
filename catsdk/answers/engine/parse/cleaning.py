"""Cleaning of an answer's text before it is read: escapes, delimiters, signs of other alphabets."""

from __future__ import annotations

import re
import unicodedata

from catsdk.answers.engine.limits import MAX_TEXT, LimitReachedError

__all__ = ["clean"]

_SIGNS = {
    "π": "\\pi ", "√": "\\sqrt ", "∛": "\\sqrt[3]", "∞": "\\infty ", "≤": "\\le ", "⩽": "\\le ",
    "≥": "\\ge ", "⩾": "\\ge ", "≠": "\\ne ", "≈": "\\approx ", "≅": "\\approx ",
    "≡": "\\equiv ", "¬": "\\neg ", "∧": "\\land ", "∨": "\\lor ", "⇔": "\\iff ", "∉": "\\notin ",
    "×": "\\times ", "✕": "\\times ", "·": "\\cdot ", "⋅": "\\cdot ", "∙": "\\cdot ", "∗": "*",
    "÷": "\\div ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ", "∅": "\\emptyset ", "±": "\\pm ",
    "∓": "\\mp ", "°": "\\degree ", "º": "\\degree ", "˚": "\\degree ", "∠": "\\angle ",
    "′": "'", "″": '"', "→": "\\to ", "⇒": "\\Rightarrow ", "…": "\\ldots ", "⁄": "/", "∕": "/",
    "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "ℚ": "\\mathbb{Q}",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "﹣": "-",
    "“": '"', "”": '"', "‘": "'", "’": "'", "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ",
    "⌉": "\\rceil ", "⟨": "\\langle ", "⟩": "\\rangle ", "€": "$", "£": "$", "¥": "$", "₹": "$",
    "½": "\\frac{1}{2}", "⅓": "\\frac{1}{3}", "⅔": "\\frac{2}{3}", "¼": "\\frac{1}{4}",
    "¾": "\\frac{3}{4}", "⅕": "\\frac{1}{5}", "⅖": "\\frac{2}{5}", "⅗": "\\frac{3}{5}",
    "⅘": "\\frac{4}{5}", "⅙": "\\frac{1}{6}", "⅚": "\\frac{5}{6}", "⅛": "\\frac{1}{8}",
    "⅜": "\\frac{3}{8}", "⅝": "\\frac{5}{8}", "⅞": "\\frac{7}{8}", "、": ",", "。": ".",
    "٫": ".", "٬": ",",
    # Spaces inside numbers are one kind of space; zero-width signs are nothing.
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " ", "\u3000": " ", "\t": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u2061": "",
    "\u2062": "", "\u00ad": "",
}  # fmt: skip
_GREEK = """
α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu
ξ xi ρ rho σ sigma τ tau υ upsilon φ phi ϕ phi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta
Λ Lambda Σ Sigma Φ Phi Ψ Psi Ω Omega
"""
_LETTERS = _GREEK.split()
# By the first character of a text, what may stand around all of it.
_WRAPPERS: dict[str, tuple[tuple[str, str], ...]] = {
    "$": (("$$", "$$"), ("$", "$")),
    "*": (("**", "**"),),
    "_": (("__", "__"),),
    "`": (("`", "`"),),
    '"': (('"', '"'),),
    "'": (("'", "'"),),
    "\\": (("\\(", "\\)"), ("\\[", "\\]")),
}


# A backslash and a letter that some JSON writer turned into one control character.
_DAMAGED = re.compile(
    r"[\x07\x08\x0b\x0c](?=[a-z])|\t(?=ext|imes|frac|heta|an\b)|\r(?=ight|angle|floor)"
)
_REPAIRED = {"\x07": "\\a", "\x08": "\\b", "\x0b": "\\v", "\x0c": "\\f", "\t": "\\t", "\r": "\\r"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")
_MONEY = re.compile(r"\\?\$")
_TIMES_TEN = re.compile(r"(?<=\d) ?[xX] ?(?=10 ?\^)")


def clean(text: str) -> str:
    """Return `text` with one way of writing each sign, and nothing around it.

    Raises:
        LimitReachedError: it is too long.
    """
    if len(text) > MAX_TEXT:
        raise LimitReachedError("the text is too long")
    if not text.isprintable():
        text = _DAMAGED.sub(lambda match: _REPAIRED[match.group()], text)
        text = _CONTROL.sub("", text).replace("\n", " ").replace("\t", " ").replace("\r", " ")
    if not text.isascii():
        text = _ascii(text)
    text = _unwrapped(text)
    if "\\" in text or "{" in text:
        text = _plain_latex(text)
    text = _respelled(text)
    if "$" in text:
        # Delimiters of formulas and signs of money look alike; neither changes a value.
        text = _unwrapped(_MONEY.sub(" ", text))
    return _TIMES_TEN.sub("*", text) if "10" in text else text


_COMPOUND = re.compile(
    r"\b(hours?|hrs?|minutes?|mins?|dollars?|feet|foot|ft|yards?|pounds?|lbs?|years?|weeks?|days?|kg)"
    r" and (?=\d+ (?:minutes?|mins?|seconds?|secs?|cents?|inch(?:es)?|in|ounces?|oz|months?|days?"
    r"|g)\b)"
)
_CHOICES = re.compile(r"(?:\{\})?[_^]\{?(\d{1,9})\}? ?C_\{?(\d{1,9})\}?")
_LEADING_SIGNS = frozenset("\\=~")
# What is about a number is that number; before a letter these signs deny it.
_LEADING = re.compile(
    r"^(?:(?:\\approx|\\simeq|=)(?![a-z])|(?:~|\\sim) ?(?=[-+$\d.]|\\d?frac|\\sqrt|\\pi)) ?"
)
_CONGRUENT = re.compile(
    r"\( ?(?:\\(?:mod|bmod|pmod|operatorname ?\{mod\})|\\text ?\{ ?mod ?\}|mod)\b ?([^()]{1,40})\)"
)
_CHOICE_STARTS, _CHOICE = (
    frozenset("OoCc"),
    re.compile(r"^(?:[Oo]ption|[Cc]hoice) (?=\(?[A-J]\)?$)"),
)
_HOURS = re.compile(r"\b(\d{1,4}) ?h (\d{1,4}) ?min\b")
_TO = re.compile(r"^(\d{1,9}) ?(?:\\text\{ ?to ?\}| to ) ?(\d{1,9})$")


def _respelled(text: str) -> str:
    """Rewrite choices, compound quantities and ratios in words, and drop a leading `about`."""
    if "C_" in text:
        text = _CHOICES.sub(r"\\binom{\1}{\2}", text)
    if text and text[0] in _LEADING_SIGNS:
        text = _LEADING.sub("", text)
        if text.startswith("\\sim "):
            text = text.replace("\\sim ", "\\neg ", 1)
    if text[:1] in _CHOICE_STARTS:
        text = _CHOICE.sub("", text)
    if "mod" in text:
        text = _CONGRUENT.sub(r"\\pmod{\1}", text)
    if " and " in text:
        text = _COMPOUND.sub(r"\1 ", text)
    if "min" in text:
        text = _HOURS.sub(r"\1 hours \2 minutes", text)
    if "to" in text:
        text = _TO.sub(r"\1:\2", text)
    return text


_TABLE = str.maketrans(
    _SIGNS | {sign: f"\\{name} " for sign, name in zip(_LETTERS[::2], _LETTERS[1::2], strict=True)}
)
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_RAISED_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]{1,40}")
_LOWERED_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉]{1,40}")


def _ascii(text: str) -> str:
    text = _RAISED_RUN.sub(lambda run: "^{" + "".join(map(_RAISED.__getitem__, run[0])) + "}", text)
    text = _LOWERED_RUN.sub(
        lambda run: "_{" + "".join(map(_LOWERED.__getitem__, run[0])) + "}", text
    )
    text = text.translate(_TABLE)
    return text if text.isascii() else "".join(map(_western, text))


def _western(sign: str) -> str:
    if sign.isascii():
        return sign
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    # Full-width forms; other signs keep their writing, since their compatible form may be longer.
    return chr(ord(sign) - 0xFEE0) if "\uff01" <= sign <= "\uff5e" else sign


_ENDING = frozenset(".;:, \\")


def _unwrapped(text: str) -> str:
    while True:
        before = text
        text = text.strip()
        if text and text[-1] in _ENDING and not text.endswith("..."):
            text = text.rstrip(".;:, ").removesuffix("\\")
        if wrappers := _WRAPPERS.get(text[:1]):
            text = _inside(text, wrappers)
        if text == before:
            return text


def _inside(text: str, wrappers: tuple[tuple[str, str], ...]) -> str:
    for start, end in wrappers:
        if text.startswith(start) and text.endswith(end) and len(text) > len(start) + len(end):
            inner = text[len(start) : len(text) - len(end)]
            if start not in inner and end not in inner:
                text = inner
    return text


def _without_braces(text: str) -> str:
    """Leave out one pair of braces around the whole, unless it holds a set."""
    inner = text[1:-1]
    depth = 0
    for sign in inner:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return text
    return text if depth or "," in inner or ";" in inner or not inner.strip() else inner


_GROUPED = re.compile(r"(?<=\d)(?:\{,\}|, ?\\! ?|\\[,;: ]|\\!)(?=\d{3})")
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z])")
_WHOLE_INDEX = re.compile(
    r"(?<=\S)(?: ?(?:[,;]|\\quad|\\[ ,;]) ?(?:where|for|\\text\{ ?(?:where|for) ?\})? ?\(?| ?\()"
    r" ?[a-z] ?\\in ?\\mathbb ?\{?[ZN]\}? ?\)?$"
)
_STYLE = re.compile(r"^\\(?:displaystyle|textstyle) ?")
_LEAD = re.compile(
    r"^\\text\{(?![^{}]{0,60}\b(?:not?|never|wrong|false|incorrect\w*|except|if|nor|n't)\b)[^{}]{0,50}"
    r"\b(?:answers?|solutions?|results?|values?|it|there|this|that|these|we (?:get|have|find))\b"
    r"[^{}]{0,20}(?:\bis|\bare|[:=]) ?\}",
    re.IGNORECASE,
)


def _plain_latex(text: str) -> str:
    # Escaped once more: then every run of backslashes is even, row ends (four) too.
    if "\\\\" in text:
        if all(len(run) % 2 == 0 for run in re.findall(r"\\{1,64}", text)):
            text = text.replace("\\\\", "\\")
        elif "\\begin" not in text:
            text = _DOUBLED.sub("\\\\", text)
    if text.startswith("\\boxed{") and text.count("{") > text.count("}"):
        text = text.removeprefix("\\boxed{")
    if text.startswith(("\\displaystyle", "\\textstyle")):
        text = _STYLE.sub("", text)
    if text.startswith("{") and text.endswith("}"):
        text = _without_braces(text)
    text = _GROUPED.sub("", text)
    if text.startswith("\\text{"):
        text = _LEAD.sub("", text)
    if "\\mathbb" in text:
        text = _WHOLE_INDEX.sub("", text)
    return _unwrapped(text)
