"""Numbers that are written in words: twenty-one, three and a half, two thirds, first, 二十一."""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["is_place", "number_in_characters", "number_of"]

_UNITS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: at for at, word in enumerate(_UNITS.split())} | {
    word: 10 * at for at, word in enumerate(_TENS.split(), 2)
}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALES = {"dozen": 12, "hundred": 100, **_LARGE}
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_PLACES = {word: at for at, word in enumerate(_ORDINALS.split(), 1)}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    f"{word}{tail}": at for word, at in _PLACES.items() if at > 2 for tail in ("", "s")
}
_FIGURES = {figure: at for at, figure in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_TIMES = {"十": 10, "百": 100, "千": 1_000}
_GROUPS = {"万": 10**4, "亿": 10**8}
_CHARACTERS = re.compile(r"负?[〇零一二三四五六七八九十百千万亿两]{1,16}")
_WORD = re.compile(r"[a-z]+")
_MOST_WORDS = 16


def is_place(text: str) -> bool:
    """Tell whether words in lower case name a place in an order, such as "the third"."""
    return text.removeprefix("the ") in _PLACES


def number_of(text: str) -> Fraction | None:
    """Return the number that words in lower case stand for; `None` if they are not a number."""
    words = _WORD.findall(text)
    if not 0 < len(words) <= _MOST_WORDS or _WORD.sub("", text).strip(" -,."):
        return None
    if words in (["a"], ["an"]):
        return None
    if words[0] == "the" and len(words) == 2:
        words = words[1:]
    if len(words) == 1 and words[0] in _PLACES:
        return Fraction(_PLACES[words[0]])
    sign = -1 if words[0] in ("minus", "negative") else 1
    value = _mixed(words[sign < 0 :])
    return None if value is None else sign * value


def number_in_characters(text: str) -> int | None:
    """Return the number that Chinese characters stand for; `None` if they are not a number."""
    if _CHARACTERS.fullmatch(text) is None:
        return None
    sign, digits = -1 if text.startswith("负") else 1, text.removeprefix("负")
    if _FIGURES.keys() >= set(digits):
        return sign * int("".join(str(_FIGURES[each]) for each in digits))
    total = group = 0
    figure: int | None = None
    before = ""
    for each in digits:
        if each in _FIGURES:
            if figure or (before in ("百", "千", "万") and digits[-1] == each != "零"):
                return None  # in 一百五 the five may be tens
            figure = _FIGURES[each]
        elif each in _TIMES:
            group, figure = group + (1 if figure is None else figure) * _TIMES[each], None
        elif part := total + group + (figure or 0):
            total, group, figure = part * _GROUPS[each], 0, None
        else:
            return None
        before = each
    return sign * (total + group + (figure or 0))


def _mixed(words: list[str]) -> Fraction | None:
    """Read a fraction, a whole number, one `and` a fraction, or a decimal of digits behind `point`.

    A word such as million multiplies what stands before it: two and a half million.
    """
    if "point" in words:
        return _decimal(words)
    if words[-1:] and (scale := _SCALES.get(words[-1])) and not _PARTS.keys().isdisjoint(words):
        words = words[:-1]
        part = _mixed(words[:-1] if words[-1] in ("a", "of") else words)
        return None if part is None else part * scale
    if not words or words[-1] not in _PARTS:
        return _whole(words)
    bottom, words = _PARTS[words[-1]], words[:-1]
    if "and" not in words:
        top = Fraction(1) if words in ([], ["a"]) else _whole(words)
        return None if top is None or (not words and bottom > 4) else top / bottom
    at = len(words) - 1 - words[::-1].index("and")
    whole, part = _whole(words[:at]), _whole(words[at + 1 :] or ["one"])
    return None if whole is None or part is None else whole + part / bottom


def _decimal(words: list[str]) -> Fraction | None:
    at = words.index("point")
    digits = [_SMALL.get(word, 10) for word in words[at + 1 :]]
    whole = _whole(words[:at]) if at else Fraction(0)
    if whole is None or not digits or max(digits) > 9:
        return None
    return whole + Fraction(int("".join(map(str, digits))), 10 ** len(digits))


def _whole(words: list[str]) -> Fraction | None:
    total = part = 0
    scale = 10**15
    if words[-1:] == ["dozen"]:
        count = _whole(words[:-1] or ["one"])
        return None if count is None else 12 * count
    if len(words) == 1 and words[0] in _SCALES:
        return Fraction(_SCALES[words[0]])
    for at, word in enumerate(words):
        if word in _SMALL:
            if at and words[at - 1] in _SMALL and not (part % 10 == 0 < part and _SMALL[word] < 10):
                return None
            part += _SMALL[word]
        elif word in ("a", "an") and at == 0:
            part = 1
        elif word == "hundred" and 0 < part < 100:
            part *= 100
        elif word in _LARGE and part and _LARGE[word] < scale:
            scale = _LARGE[word]
            total, part = total + part * scale, 0
        # Elsewhere it joins two numbers: "three and four".
        elif word != "and" or not 0 < at < len(words) - 1 or words[at - 1] not in _SCALES:
            return None
    return Fraction(total + part) if words else None
