"""Tokens of an answer: numbers, names, commands and signs."""

from __future__ import annotations

import re
from fractions import Fraction
from string import ascii_letters, digits

from catsdk.answers.engine.limits import MAX_TOKENS, LimitReachedError, UnreadableError
from catsdk.answers.engine.parse.words import (
    ACCENTS,
    CONSTANTS,
    DELIMITERS,
    FUNCTION_WORDS,
    GREEK,
    OPERATORS,
    RELATIONS,
    SKIPPED,
    TEXT_COMMANDS,
)
from catsdk.answers.engine.tree import MAX_DIGITS, Number

__all__ = ["END", "Token", "read_decimal", "repeating", "tokens_of", "whole_number"]

# Kind and value. Kinds: number, symbol (one letter or a Greek name), word (several letters),
# text (the content of \text), function, constant, accent, env (begin or end), relation, sign.
Token = tuple[str, str]
END: Token = ("end", "")

# Each part is a run of one class of characters, so that scanning is linear.
_TOKEN = re.compile(
    r"""
    (?P<number>
        (?:[1-9]\d{0,2}(?:,\d{3}){1,40}(?!,?\d)
          |[1-9]\d?(?:,\d{2}){1,40},\d{3}(?!,?\d)
          |\d{1,3}(?:\ \d{3}){1,40}(?!\d)
          |\d{1,3}(?:'\d{3}){1,40}(?!\d)
          |\d+)
        (?:\.(?:\d+(?:\ ?\\?\.\.\.|\ ?\\[lc]?dots(?![a-z]))?
              |\d*\\(?:overline|bar|dot)\ ?\{?\d+\}?|\(\d+\)|(?!\d))
           (?:\\(?:overline|bar|dot)\{\d+\})?)?
        (?:[eE][+-]?\d+(?![A-Za-z\d.]))?
      | \.\d+(?:\\overline\{\d+\})?(?:[eE][+-]?\d+(?![A-Za-z\d.]))?
    )
  | \\(?P<command>[A-Za-z]+)\ ?
  | \\(?P<escaped>.)
  | (?P<letters>[^\W\d_]+)
  | (?P<sign>!=|<=|>=|:=|=>|->|==|\*\*|\.\.\.|!!|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_REPEATING = re.compile(r"(\d*)\.(\d*)(?:\\(?:overline|bar|dot) ?\{?|\()(\d+)[})]?")
_DIGITS = re.compile(r"\d*\.?\d*")
_DOTS = re.compile(r" ?\\?(?:\.\.\.|[lc]?dots)$")
_TEXT_END = re.compile(r"[{}]|\\.")
_TURNS = {"(": 1, "[": 1, "{": 1, "\\{": 1, ")": -1, "]": -1, "}": -1, "\\}": -1}
# What may stand behind a figure that is a number of its own, and behind a letter.
_BEHIND_FIGURE = frozenset(["", *"()[]{}+-*/^_;|&%=<>!\\$"])
_BEHIND_LETTER = _BEHIND_FIGURE | frozenset(" ,.:'?\"0123456789")
# The tokens of one character, with what may stand behind them; behind a sign, everything.
_SINGLE: dict[str, tuple[Token, frozenset[str] | None]] = {
    **{sign: (("sign", sign), None) for sign in "()[]{}+/^_,;|&%"},
    **{figure: (("number", figure), _BEHIND_FIGURE) for figure in digits},
    **{letter: (("symbol", letter), _BEHIND_LETTER) for letter in ascii_letters},
}
_SIGN_OF = {"==": "=", ":=": "=", "**": "^", "−": "-"}
_RELATION_SIGNS = frozenset(["=", "!=", "<", "<=", ">", ">=", "=>", "->"])
_JOINED = re.compile(r"(or|and)(?=[A-Z]|[a-z]{1,2}$)")
# Content of \text that is not words: figures and signs, or a choice such as (C).
_PLAIN = re.compile(r"[^A-Za-z ]+|\([A-Za-z]\)")
_FIRST_EAST_ASIAN = "\u2e80"
_MAX_EXPONENT = 4_000
_SMALL = [Number(Fraction(value)) for value in range(1_000)]


def tokens_of(text: str) -> list[Token]:
    r"""Split `text` into tokens.

    Raises:
        LimitReachedError: there are too many.
        UnreadableError: a brace of `\text` does not close.
    """
    return _Lexer(text).run()


def read_decimal(text: str) -> Number:
    """Read one number token: grouped, with decimals, repeating decimals or a power of ten.

    Raises:
        LimitReachedError: it has too many digits.
    """
    if len(text.lstrip("0")) > MAX_DIGITS:
        raise LimitReachedError("too many digits")
    if text.isdigit():
        return whole_number(text)
    plain = text.replace(",", "").replace(" ", "").replace("'", "")
    if found := _REPEATING.fullmatch(plain):
        return Number(repeating(*found.groups()))
    dotted = _DOTS.search(plain)
    if dotted:
        plain = plain[: dotted.start()]
    digits, _, exponent = plain.replace("E", "e").partition("e")
    places = len(digits.partition(".")[2]) if "." in digits else None
    if dotted and places and (repeated := _repeated(digits)):
        return Number(repeated)
    if not _DIGITS.fullmatch(digits):
        raise UnreadableError("digits that are not a number")
    whole, _, decimals = digits.partition(".")
    value = Fraction(int(f"{whole}{decimals}" or "0"), 10 ** len(decimals))
    if exponent:
        if len(exponent) > 6 or abs(int(exponent)) > _MAX_EXPONENT:
            raise LimitReachedError("the power of ten is too large")
        value *= Fraction(10) ** int(exponent)
        places = max(0, (places or 0) - int(exponent))
    return Number(value, places or None)


def whole_number(digits: str) -> Number:
    """Return an integer's node; those of the small ones are shared."""
    value = int(digits)
    return _SMALL[value] if value < len(_SMALL) else Number(Fraction(value))


def repeating(whole: str, fixed: str, period: str) -> Fraction:
    """Return the value of a decimal whose last digits, `period`, repeat for ever."""
    start = Fraction(f"{whole or 0}.{fixed or 0}")
    return start + Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(fixed))


def _repeated(digits: str) -> Fraction | None:
    """Read `0.1666` before dots as 1/6: the shortest end that is written at least twice."""
    whole, _, decimals = digits.partition(".")
    for length in range(1, len(decimals) // 2 + 1):
        period = decimals[-length:]
        times = 1
        while decimals.endswith(period * (times + 1)):
            times += 1
        if times >= (3 if length == 1 else 2):
            return repeating(whole, decimals[: len(decimals) - times * length], period)
    return None


class _Lexer:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.depth = self.counted = 0
        # Inside brackets a comma without a space groups digits only beside real separators.
        self.grouping = ", " in text or ";" in text

    def run(self) -> list[Token]:
        at, text, tokens = 0, self.text, self.tokens
        end, read = len(text), _TOKEN.match
        while at < end:
            single = _SINGLE.get(text[at])
            if single and (single[1] is None or text[at + 1 : at + 2] in single[1]):
                tokens.append(single[0])
                at += 1
                continue
            match = read(text, at)
            if match is None:
                raise UnreadableError("an unknown sign")
            at = match.end()
            kind = match.lastgroup
            value = match[kind or 0]
            if kind == "sign":
                self._sign(value, at)
            elif kind == "number":
                at = self._number(value, at)
            elif kind == "command":
                at = self._command(value, at)
            elif kind == "letters":
                self._letters(value)
            else:
                self._escaped(value, at)
            if len(tokens) > MAX_TOKENS:
                break
        if len(tokens) > MAX_TOKENS:
            raise LimitReachedError("too many tokens")
        return tokens

    def _add(self, kind: str, value: str) -> None:
        self.tokens.append((kind, value))

    def _sign(self, value: str, at: int) -> None:
        if value == " ":
            return
        if value == "~":
            if self._denies(at):
                self._add("function", "not")
            return
        value = _SIGN_OF.get(value, value)
        self.tokens.append(("relation" if value in _RELATION_SIGNS else "sign", value))

    def _denies(self, at: int) -> bool:
        """Tell `~p`, which is not p, from a space that does not break, as in `5~cm`."""
        after = self.text[at : at + 1]
        before = self.tokens[-1] if self.tokens else END
        opens = before[0] in ("end", "relation") or (
            before[0] == "sign" and before[1] not in (")", "]", "}", "'", "%", "degree")
        )
        return opens and (after.isalpha() or after == "(")

    def _number(self, value: str, at: int) -> int:
        if "," in value and self._in_brackets() and not self._groups(value, at):
            first = value.index(",")
            self._add("number", value[:first])
            return at - len(value) + first
        self._add("number", value)
        return at

    def _in_brackets(self) -> bool:
        """Tell whether a bracket or an environment is open; tokens are counted when it is asked."""
        for kind, value in self.tokens[self.counted :]:
            if kind == "sign":
                self.depth += _TURNS.get(value, 0)
            elif kind == "env":
                self.depth += 1 if value.startswith("begin") else -1
        self.counted = len(self.tokens)
        return self.depth > 0

    def _groups(self, value: str, at: int) -> bool:
        """Tell whether commas inside brackets group digits: beside separators or operators."""
        if self.grouping or "." in value:
            return True
        before = self.tokens[-1] if self.tokens else END
        after = self.text[at : at + 2].lstrip()[:1]
        return (after != "" and after in "*/+^") or (before[0] == "sign" and before[1] in "*/+-")

    def _letters(self, value: str) -> None:
        joined = _JOINED.match(value) if self.tokens else None
        if joined and self.tokens[-1] != ("sign", "_"):
            self._add("sign", "lor" if joined[1] == "or" else "and")
            value = value[joined.end() :]
        if len(value) == 1:
            self._add("symbol" if value < _FIRST_EAST_ASIAN else "word", value)
        elif value in FUNCTION_WORDS and not self._is_minutes(value):
            self._add("function", FUNCTION_WORDS[value])
        elif value in CONSTANTS:
            self._add("constant", CONSTANTS[value])
        elif value in GREEK and value not in ("Re", "Im", "Pi", "nu", "mu", "xi"):
            self._add("symbol", value)
        elif value in ("and", "AND"):
            self._add("sign", "and")
        elif value in ("or", "OR"):
            self._add("sign", "lor")
        elif value == "mod":
            self._add("sign", "mod")
        else:
            self._word(value)

    def _word(self, value: str) -> None:
        for length in (6, 4, 3, 2):
            name, rest = value[:length], value[length:]
            if len(rest) == 1 and name in FUNCTION_WORDS:
                self._add("function", FUNCTION_WORDS[name])
                self._add("symbol", rest)
                return
        self._add("word", value)

    def _is_minutes(self, value: str) -> bool:
        """Tell the unit `min` behind a number from the smallest of several."""
        return value == "min" and bool(self.tokens) and self.tokens[-1][0] == "number"

    def _escaped(self, value: str, at: int) -> None:
        if value in "{}":
            self._add("sign", "\\" + value)
        elif value == "|":
            self._add("sign", "|")
        elif value in "%$&#_":
            self._add("sign", value)
        elif value == "\\":
            self._add("sign", "\\\\")
        elif value in "-+*/=<":
            self._sign(value, at)
        elif value.isalnum() or value in "~^?'\"`.":
            raise UnreadableError("an accent, or an unknown sign")
        # Spaces and math delimiters are nothing.

    def _command(self, name: str, at: int) -> int:
        if name in SKIPPED:
            return self._skip(name, at)
        if name in TEXT_COMMANDS:
            return self._text(at)
        if name in ("begin", "end"):
            close = self.text.find("}", at, at + 40)
            self._add("env", name + self.text[at:close].lstrip("{ "))
            return close + 1 if close > 0 else at
        if name in ACCENTS:
            self._add("accent", name)
        elif not self._named(name):
            return self._unknown(name, at)
        return at

    def _named(self, name: str) -> bool:
        if name in OPERATORS:
            self._add("sign", OPERATORS[name])
        elif name in RELATIONS:
            self._add("relation", RELATIONS[name])
        elif name in DELIMITERS:
            self._add("sign", DELIMITERS[name])
        elif name in CONSTANTS:
            self._add("constant", CONSTANTS[name])
        elif name in GREEK:
            self._add("symbol", name)
        elif name in ("dfrac", "tfrac", "cfrac", "frac"):
            self._add("function", "frac")
        elif name in FUNCTION_WORDS:
            self._add("function", FUNCTION_WORDS[name])
        elif name in _NAMED:
            self._add(*_NAMED[name])
        else:
            return False
        return True

    def _skip(self, name: str, at: int) -> int:
        name = name.removeprefix("m") if name in ("mleft", "mright") else name
        if name in ("left", "right", "middle"):
            if self.text.startswith(".", at):
                return at + 1
            bar = next((b for b in ("|", "\\|") if self.text.startswith(b, at)), None)
            if bar and name != "middle":
                self._add("sign", "|(" if name == "left" else ")|")
                return at + len(bar)
        if name in ("hspace", "vspace", "tag", "label") and self.text.startswith("{", at):
            return self.text.find("}", at) + 1
        return at

    def _unknown(self, name: str, at: int) -> int:
        r"""Read a command that swallowed the letters behind it, as `\quadx`."""
        for length in range(len(name) - 1, max(1, len(name) - 4), -1):
            head = name[:length]
            if head in SKIPPED or self._named(head):
                return at - (len(name) - length) - (self.text[at - 1] == " ")
        self._add("word", "\\" + name)
        return at

    def _text(self, at: int) -> int:
        if not self.text.startswith("{", at):
            return at
        depth, start = 1, at + 1
        for match in _TEXT_END.finditer(self.text, start):
            depth += {"{": 1, "}": -1}.get(match.group(), 0)
            if depth == 0:
                self._content(self.text[start : match.start()].strip())
                return match.end()
        raise UnreadableError("a brace is not closed")

    def _content(self, content: str) -> None:
        content = content.strip("~")
        lower = content.strip(" ,").lower()
        if not lower or lower in ("and", "or"):
            self._add("sign", _JOINS.get(lower, ",")) if content else None
        elif self._is_minutes(content):
            self._add("text", content)
        elif content in FUNCTION_WORDS or (len(content) == 1 and content.isalpha()):
            self._letters(content)
        elif _PLAIN.fullmatch(content):
            self.tokens += tokens_of(content)
        else:
            self._add("text", content)


_JOINS = {"and": "and", "or": "lor"}
_NAMED: dict[str, Token] = {
    **dict.fromkeys(("neg", "lnot"), ("function", "not")),
    **dict.fromkeys(("emptyset", "varnothing"), ("word", "\\emptyset")),
    **dict.fromkeys(("R", "reals"), ("word", "\\R")),
    "mathbb": ("word", "\\mathbb"),
    **{name: ("accent", name) for name in ("angle", "triangle", "not", "operatorname")},
    **dict.fromkeys(("dbinom", "tbinom"), ("function", "binom")),
}
