"""Whether the words behind a number name what it counts or measures, so that its value stands."""

from __future__ import annotations

import re

from catsdk.answers.engine.parse.assertions import changes_value
from catsdk.answers.engine.parse.currencies import currency_of_unit
from catsdk.answers.engine.parse.units import factor_of, is_known, measures

__all__ = ["names_what_counts", "same_words"]

_MOST_WORDS = 7
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+){0,4}\.?|[/^\u00b0%$\u00a2]|\d+|\S")
_JOINING = frozenset(
    [
        "per",
        "/",
        "of",
        "a",
        "an",
        "the",
        "in",
        "for",
        "on",
        "at",
        "with",
        "by",
        "to",
        "each",
        "every",
    ]
)
# Plurals that do not end in s, and words that count as they stand.
_PLURALS_WORDS = """
    people children men women mice geese teeth feet fish sheep deer oxen dice cattle data criteria
    police staff crew rice corn water money work cash vertices indices matrices money boxes
    each total altogether away remaining left long wide tall old high deep apart ago
"""
_PLURALS = frozenset(_PLURALS_WORDS.split())
# What is said of a known unit: 14 degrees lower, 3 years older.
_COMPARED = re.compile(r"[a-z]{2,}er|long|wide|tall|old|high|deep|left|away|ago|apart|each|total")
_ABOUT = frozenset(["approximately", "approx", "roughly", "about"])
_COMPARING = (["more"], ["fewer"], ["less"], ["extra"], ["additional"])
# What may be said of the things that are counted.
_TAIL_PHRASES = """
in total|in all|in length|in width|in height|in area|in volume|left over|to spare|to go|as many|
as much|left|over|each|total|altogether|remaining|read|sold|eaten|saved|used|made|bought|needed|
earned|spent|profit|discount|off|tip|tax|interest|apiece|per
"""
_TAILS = [phrase.split() for phrase in _TAIL_PHRASES.replace("\n", "").split("|")]
_EACH = frozenset(["per", "/", "each", "every"])
_DEFINITE = frozenset(["the", "them", "these", "those", "his", "her", "their", "its", "my", "our"])
# In other languages only frequent words are known: others may multiply or deny.
_ABROAD_WORDS = """
    años días metros minutos кг г км м см мм л ч мин сек руб рублей рубля лет года дней часов
    часа минут минуты секунд человек штук яблок книг
    千克 公斤 克 吨 斤 千米 公里 米 厘米 毫米 平方米 平方厘米 平方千米 立方米 立方厘米 升 毫升
    小时 分钟 秒 分鐘 小時 年 月 日 天 周 元 角 円 圓 块 歲 岁 度 分 点
    개 명 원 시간 분 초 살 권 마리 장 년 월 일 점 도 번 대 병 잔 가지 미터 킬로그램
"""
_ABROAD = frozenset(_ABROAD_WORDS.split())
_COUNTER_SIGNS = """
个 個 只 隻 人 名 本 张 張 条 條 头 頭 辆 輛 棵 朵 杯 瓶 盒 袋 箱 页 頁 题 題 间 間
位 支 件 台 家 种 颗 顆 粒 枚 匹 冊
"""
_COUNTERS = frozenset(_COUNTER_SIGNS.split())
_CHANGING_COUNTER = frozenset("平方立万萬亿億百千倍成折分之阶乘次幂冪倒数數相反负負开開根半")
_PLACES = frozenset(["st", "nd", "rd", "th"])
_RANKED_WORDS = """
    place term row column day week month year grade floor century position player from last
"""
_RANKED = frozenset(_RANKED_WORDS.split())
_NO_PLURALS_WORDS = """
    is was has does its thus plus minus less as this his hers ours yours theirs us always perhaps
    unless besides yes equals remains exceeds fails loses lies means becomes goes comes gives
    leaves makes others else series backwards forwards upwards downwards inwards outwards onwards
    sometimes oftentimes whereas thereabouts hereabouts anyways alas
    afterwards towards sideways lengthways overseas indoors outdoors upstairs downstairs nowadays
"""
_NO_PLURALS = frozenset(_NO_PLURALS_WORDS.split())


def names_what_counts(unit: str, *, one: bool = False) -> bool:
    """Tell whether the words of a unit leave the number before them as it is.

    They do if they are known units, or nouns in the plural with what is said of them: `apples`,
    `red balls`, `eggs per child`. With `one` a noun in the singular will do. Words that calculate
    (squared), deny, doubt or compare do not, nor do others that are not known.
    """
    if unit == "%" or _is_known(unit):
        return True
    words = [word.rstrip(".") for word in _WORD.findall(unit.lower().replace(" - ", "-"))]
    if not words:
        return False
    words = _without_remarks(words)
    if not words or _is_known(" ".join(words)):
        return True
    if words[0] in _PLACES:
        return len(words) == 1 or all(word in _RANKED for word in words[1:])
    known = next((at for at in range(len(words), 0, -1) if _is_known(" ".join(words[:at]))), 0)
    if known:
        return _goes_on(words[:known], words[known:])
    return len(words) <= _MOST_WORDS and _is_counted(words, one=one)


def _without_remarks(words: list[str]) -> list[str]:
    """Leave out that a number is about right, a total, or how many more: that was asked."""
    words = [word for word in words if word not in _ABOUT]
    if words[:1] in _COMPARING:
        words = words[1:]
    elif words[-1:] in _COMPARING:
        words = words[:-1]
    for tail in _TAILS:
        if words[-len(tail) :] == tail:
            words = words[: -len(tail)]
    return words


def _goes_on(known: list[str], rest: list[str]) -> bool:
    """Tell whether the words behind a known unit leave it as it is."""
    if not rest:
        return True
    if len(rest) == 1 and _COMPARED.fullmatch(rest[0]):
        return True
    if changes_value(" ".join(rest)) or any(
        len(word) == 1 and word.isalpha() and word != "a" for word in rest
    ):
        return False
    return rest[0] in _JOINING or known[-1] in ("per", "/")


def _is_counted(words: list[str], *, one: bool) -> bool:
    """Tell whether words are a noun in the plural, with what is said before and behind it."""
    if changes_value(" ".join(words)):
        return False
    head = next((at for at, word in enumerate(words) if word in _JOINING), len(words))
    if head == 0:
        return len(words) > 1 and (words[0] in _EACH or words[1] in _DEFINITE)
    phrase = words[:head]
    if not all(map(_is_word, phrase)) or not _NO_PLURALS.isdisjoint(phrase):
        return False
    return _is_noun(words[head - 1], one=one and len(words) == 1)


def same_words(one: str, other: str) -> bool:
    """Tell whether two units say the same, one of them perhaps with more words behind."""
    first, second = (_singular(unit) for unit in (one, other))
    short = min(len(first), len(second))
    rest = first[short:] or second[short:]
    # A rate is another quantity: `mol / L` is not `mol`.
    rate = rest[:1] in (["per"], ["/"], ["^"]) and (measures(one) or measures(other))
    return first[:short] == second[:short] and not rate


def _is_known(unit: str) -> bool:
    return factor_of(unit) is not None or is_known(unit) or currency_of_unit(unit) != ""


def _is_word(word: str) -> bool:
    return word.replace("-", "").isalpha() or word == "^" or word.isdigit()


def _is_noun(word: str, *, one: bool) -> bool:
    if not word.isascii():
        return word in _ABROAD or (
            word[0] in _COUNTERS and len(word) <= 6 and _CHANGING_COUNTER.isdisjoint(word)
        )
    if word in _PLURALS:
        return True
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return word not in _NO_PLURALS and (plural or (one and len(word) > 2 and word.isalpha()))


def _singular(unit: str) -> list[str]:
    return [word.rstrip(".s") for word in _WORD.findall(unit.lower())]
