"""Answers behind a cue: "the answer is", "Answer:", a heading, in several languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import tee

from catsdk.answers.extract.closing import concluded
from catsdk.answers.extract.code import is_code
from catsdk.answers.extract.conclusions import answer_of
from catsdk.answers.extract.conditions import is_one_case
from catsdk.answers.extract.numbers import number_to_the_end
from catsdk.answers.extract.phrases import Value, words_at
from catsdk.answers.extract.sentences import before_in_sentence, sentences_of
from catsdk.answers.extract.values import value_at
from catsdk.answers.extract.voices import is_anothers, is_recalled, is_spoken
from catsdk.answers.extract.withdrawals import is_corrected, refutes, takes_back
from catsdk.answers.extract.wording import (
    asserts,
    denies,
    hedges,
    is_beside_answer,
    is_conditional,
    is_example,
    is_of_somebody,
    refuses,
)
from catsdk.answers.extract.words import is_answer_in_words

__all__ = ["after_cue", "after_result"]

_Place = tuple[str, int]
_MOST_PLACES = 64


def _parted(words: Iterable[str]) -> tuple[_Place, ...]:
    """Return the words to look for, each with how far behind it its cue begins."""
    return tuple(
        (word.removeprefix("-"), word.startswith("\n") - word.startswith("-")) for word in words
    )


# What may hold a cue, found fast; the pattern below is tried there alone. A hyphen stands for a
# first letter in either case.
_PLACES = """
-nswer ANSWER -ption -hoice choose chose pick select -éponse -eponse -espuesta -esposta -isposta
-ntwort odpowiedź -evap -твет 答 정답 답 -abel: -ategory: -lass: -entiment: -lassification:
-rediction: -erdict: -ntent: 选 正解
"""
_STRONG = _parted((*_PLACES.split(), "go with", "\nA:", "\nAns"))
_CUE = re.compile(
    r"""(?:\b|(?<=^)|(?<=\n)|(?<![A-Za-z]))(?:
        (?:answers?|option|choice)
          (?:\ (?:to|for|of)\ [^.\n:?!=]{1,100}?|\ \([^()\n]{1,40}\))?
          (?:\*{1,3}|_{2})?\ ?(?:\b(?P<is>is|are|(?:would|will|must|turns\ out\ to)\ be)\b(?:\ ?:)?
            |:|=(?!=)|→|->|⇒|—|\ -\ )
      | answer(?=\s?(?:\$|\\\(|\\\[|\([A-J]\)))
      | (?:A:|Ans[.:])(?=\s)
      | (?:label|category|class|sentiment|classification|prediction|verdict|intent):
      | (?:choose|pick|select|go\ with|chose)\b
      | (?:r[ée]ponse(?:\ finale|\ correcte)?|respuesta(?:\ final|\ correcta)?
          |resposta(?:\ final|\ correta)?|risposta(?:\ finale|\ corretta)?
          |antwort|odpowiedź|cevap)(?:\*\*)?\ ?(?:est|es|é|è|lautet|ist|to|is|:)(?!\w)
      | (?:ответ|答案|选项|答え|正解|정답|답|答)(?:\*\*)?\ ?(?:是|为|為|选|は|은|이|:|：|—|-)
      | 选(?:择)?[：:]?(?=\s?\(?(?:\*\*)?[A-J](?![A-Za-z]))
    )(?:\*\*|__|</(?:b|strong|em|i)>)?""",
    re.VERBOSE | re.IGNORECASE,
)
# A last line that is a cue and a number, as most are.
_ANSWER_LINE = re.compile(
    r"(?:A:|Ans:|(?:\*\*)?(?:(?:The|So,? the|Therefore,? the) )?(?:[Ff]inal )?[Aa]nswer(?: is:?"
    r"|:)) ?(?:\*\*)?"
    r"(\$?-?\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,40})?)\.?\n?\Z"
)


def after_cue(text: str) -> str | None:
    """Return what the last cue states that has an answer behind it.

    A cue with a value behind it goes before one with words. A statement about the answer, such as
    "the answer is correct", states none.
    """
    if number := _ANSWER_LINE.match(text, text.rfind("\n", 0, len(text) - 1) + 1):
        return number[1]
    cues, again = tee(_cues(text, _STRONG, _CUE))
    stated = _first(text, cues, _stated)
    return _first(text, again, _worded) if stated is None else stated


_OUTCOME = _parted(("-esult", "RESULT", "-olution", "-onclusion"))
_WEAK = re.compile(r"(?:result|solutions?)\*{0,2} ?(?P<is>is\b|are\b|:|=)(?:\*\*)?", re.IGNORECASE)


def after_result(text: str) -> str | None:
    """Return the value behind the last "the result is" or "the solution is"."""
    return _first(text, _cues(text, _OUTCOME, _WEAK), _stated)


_HEADING = re.compile(
    r"[ \t]{0,3}(?:#{1,6}[ \t]*)?(?:[*_]{1,3})?(?:the |my )?(?:final |correct )?(?:answer"
    r"|result|conclusion)"
    r"(?:[*_]{1,3})?[ \t]*:?(?:[*_]{1,3})?[ \t]*(?=\n|\Z)",
    re.IGNORECASE,
)
_MOST = 16
_LONGEST_HEADING = 40


def _cues(text: str, words: Iterable[_Place], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield the last cues of a text, the last one first.

    The last line is searched before the others, as most texts have theirs there.
    """
    last_line = text.rstrip().rfind("\n")
    places_left, cues_left = _MOST_PLACES, _MOST
    for lines, start in ((text[last_line:], last_line), (text[:last_line], 0)):
        if last_line < 0:
            lines, start = text, 0
        places = _places(lines, start, words)[:places_left]
        found: dict[int, re.Match[str]] = {}
        for at in places:
            start = text.rfind("\n", 0, at) + 1
            cue = _HEADING.match(text, start) if at - start <= _LONGEST_HEADING else None
            cue = cue or pattern.match(text, at)
            if cue is not None and _is_word(text, cue) and not is_code(text, start, cue.start()):
                found.setdefault(cue.end(), cue)
        for end in sorted(found, reverse=True)[:cues_left]:
            yield found[end]
        places_left, cues_left = places_left - len(places), cues_left - len(found)
        if last_line < 0 or places_left <= 0 or cues_left <= 0:
            return


def _places(lines: str, start: int, words: Iterable[_Place]) -> list[int]:
    """Return where a cue may begin in lines that begin at `start` in their text, the last first."""
    places = {0} if start == 0 and lines.startswith(("A:", "Ans")) else set[int]()
    for word, shift in words:
        if word not in lines:
            continue
        at = lines.rfind(word)
        for _ in range(_MOST_PLACES):
            if at < 0:
                break
            places.add(start + max(0, at + shift))
            at = lines.rfind(word, 0, at)
    return sorted(places, reverse=True)


_FIRST_PERSON = re.compile(r"\bi(?:['’]ll|['’]d| will| would)? $", re.IGNORECASE)
_FIRST_CJK = "\u3000"
_NOT_MINE = (
    "他的",
    "她的",
    "学生的",
    "同学的",
    "错误",
    "错误的",
    "不正确的",
    "可能的",
    "一个",
    "不",
    "没有",
)
_CHOOSING = ("故", "应", "应该", "因此", "所以", "我", "，", "。", "：", "\n", ",", ".", ":")


def _is_word(text: str, cue: re.Match[str]) -> bool:
    """Tell whether a cue is a word of its own; "choose" is one only behind "I"."""
    before = text[max(0, cue.start() - 12) : cue.start()]
    if cue.group()[:4].lower() in ("choo", "pick", "sele", "go w", "chos"):
        return _FIRST_PERSON.search(before) is not None
    if cue.group()[0] > _FIRST_CJK:
        # Words are not set apart there; "choose" needs one that concludes before it.
        return not before.endswith(_NOT_MINE) and (
            cue.group()[0] != "选"
            or cue.group().startswith("选项")
            or (not before or before.endswith(_CHOOSING))
        )
    return not before[-1:].isalnum() and before[-1:] not in ("_", '"', "'", "\\")


def _first(
    text: str, cues: Iterable[re.Match[str]], read: Callable[[str, re.Match[str]], str | None]
) -> str | None:
    for cue in cues:
        answer = read(text, cue)
        if answer is not None:
            behind = text[cue.end() :]
            if len(behind) <= len(answer) + 1:
                return answer
            if answer and is_corrected(behind, answer):
                return None if concluded(behind) else ""
            return "" if takes_back(behind) else answer
    return None


_EMPHASIS = " \t\n#*_>-"
_TENTATIVE = re.compile(
    r"\b(?:possible|potential|candidate|plausible|alternative|tentative|sample|another|example|template"
    r"|placeholder|reference|draft|gold|golden|official|target|intended|expected"
    r"|ground[ -]truth)\W*$",
    re.IGNORECASE,
)


def _stated(text: str, cue: re.Match[str]) -> str | None:
    """Return the value behind a cue; an empty text where it is only guessed."""
    before = before_in_sentence(text, cue.start())
    if not before.strip(_EMPHASIS):
        return _value(text, cue)
    if _TENTATIVE.search(before) or is_one_case(before):
        return ""
    if not _is_stated(before, cue.group()):
        return "" if hedges(before) and _value(text, cue) else None
    answer = _value(text, cue)
    if answer and hedges(before):
        return ""
    return answer


# The text of a choice and the next letter: the choices are listed.
_LISTED = re.compile(
    r"\)?[ \t](?!since|because|as|while|but|and|not|so\b)\S{1,20}[ \t]\(?[A-J][).][ \t]"
)
# What is denied first, so that the other is stated: "not 5 but 6".
_NOT_BUT = re.compile(r"[\s:*]{0,4}not\s[^.!?\n]{1,40}?,?\sbut\s(?:rather\s)?", re.IGNORECASE)
_PLURAL = re.compile(r"(?:answers|solutions|values)\b", re.IGNORECASE)
_ALTERNATIVE = re.compile(
    r"\bor\b|\bmaybe\b|\bperhaps\b|\bpossibly\b|\bmight\b|\bcould\b|\botherwise\b"
    r"|\balternatively\b|\belse\b",
    re.IGNORECASE,
)
_IN_A_CASE = re.compile(r"\b(?:if|otherwise|had)\b", re.IGNORECASE)
# One value for each of several: "5 for even n and 6 for odd n".
_FOR_EACH = re.compile(
    r"[^\d.;]{0,20}\bfor\s[^.;]{1,40}?\b(?:and|but)\s[-$\\(]{0,3}\d[^.;]{0,20}\sfor\b"
)
_OF_OTHERS = re.compile(
    r"\baccording to\b|[,\"”]\s?(?:says?|said|claim(?:s|ed)|wrote|answered|replied|argue[sd])\b"
    r"|\bmade (?:it )?up\b",
    re.IGNORECASE,
)


def _value(text: str, cue: re.Match[str]) -> str | None:
    if (number := number_to_the_end(text, cue.end())) is not None:
        return number
    behind = text[cue.end() : cue.end() + 2_000]
    if denied := _NOT_BUT.match(behind):
        behind = behind[denied.end() :]
    found = value_at(behind, several=_PLURAL.search(cue.group()) is not None)
    if found is None:
        return _in_sentence(behind, cue)
    rest = sentences_of(found.rest[:400])[:1]
    tail = rest[0] if rest and not found.rest.startswith("\n") else ""
    if tail.rstrip('*_ )]}"”').endswith(("?", "？")):
        return None
    if refutes(found.rest, found.text) or _LISTED.match(found.rest) or _has_more(found):
        return ""
    if (
        is_conditional(tail)
        or _FOR_EACH.match(tail)
        or _OF_OTHERS.search(tail)
        or is_recalled(tail)
    ):
        return ""
    if "would" in cue.group() and _IN_A_CASE.search(tail):
        return ""
    if found.alternatives and not _is_exclaimed(text[: cue.start()], found):
        return ""
    if (_ALTERNATIVE.search(tail) and re.search(r"\d", tail)) or hedges(tail):
        return ""
    return found.text


def _is_exclaimed(before: str, found: Value) -> bool:
    """Tell an exclamation from a factorial: the number is the result of an equation before it."""
    if not found.rest.startswith("!"):
        return False
    return re.search(rf"=\s?\$?{re.escape(found.text)}(?![\d!]|[.,]\d)", before) is not None


# Behind a value, another one that no word joins to it, or an operation that stops.
_MORE = re.compile(
    r" ?[|;] ?[-$(\\]{0,2}\d| -?\d+(?![\w/-])|\s?[-+×*÷=/^_]\s*\Z"
    r"|\s?(?:→|[-=]>|⇒|⟶|\\(?:to|rightarrow|implies)\b)\s?[-$(\\]{0,2}\d"
    r"|,?\s(?:becomes|turns into|changes? (?:in)?to|then|vs\.?|versus)\s[-$(\\]{0,2}\d"
)


def _has_more(found: Value) -> bool:
    return found.text[-1:].isdigit() and _MORE.match(found.rest) is not None


def _in_sentence(behind: str, cue: re.Match[str]) -> str | None:
    """Return what the sentence behind a colon or a heading concludes."""
    if cue.groupdict().get("is"):
        return None
    following = sentences_of(behind)[:1]
    if not following or following[0].startswith(("#", "|", "```")):
        return None
    return answer_of(following[0], alone=True) or None


def _worded(text: str, cue: re.Match[str]) -> str | None:
    """Return the few words behind a cue, where they can be an answer."""
    before = before_in_sentence(text, cue.start())
    if not _is_stated(before, cue.group()) or hedges(before):
        return None
    found = words_at(text[cue.end() : cue.end() + 400])
    if found is None or not is_answer_in_words(found.text):
        return None
    if is_conditional(next(iter(sentences_of(found.rest)), "")):
        return ""
    return found.text.rstrip(".")


_CLAUSE_START = re.compile(r"[,;:!]\s|\b(?:so|therefore|thus|hence|but|and)\b|—", re.IGNORECASE)
_TASK = re.compile(
    r"\b(?:check\w*|verify\w*|verifies|prove|show that|see if|determine|find|compute)\b",
    re.IGNORECASE,
)
_LEAD = 60
_QUOTED = re.compile(
    r"[:,]\s?[\"“]\s?(?:the\s)?$|\baccording to\b|^\W*had\b"
    r"|^\W*(?:user|human|teacher|examples?|sample|format|template|prompt|instructions?|question"
    r"|problem|hint)(?:\s\w+)?:\s(?:the\s)?$"
    r"|^\W*(?:end|finish|conclude|respond|reply)\swith:\s(?:the\s)?$|\bformat\sis:?\s(?:the\s)?$"
    r"|\b(?:wrong|incorrect|false|mistaken|bad)\b[^.!?\n]{0,20}:\s?(?:the\s)?$"
    r"|\b(?:write|say|type|print|output|respond|reply|repeat|end|finish|conclude)\b[^.!?\n]{0,20}[\"“'‘]\s?(?:the\s)?$"
    r"|\b(?:says?|said|asks?|asked|reads?|states?|stated|claims?|wrote|writes?)\s?(?:[:,]|(?:that\s)?[\"“'‘])\s?(?:the\s)?$",
    re.IGNORECASE,
)


_FROM_KEY = re.compile(
    r"\b(?:from|per|according to|as in|in|by) (?:the )?(?:\w+ )?"
    r"(?:key|book|textbook|manual|sheet|grader|rubric|data ?set|teacher)\b",
    re.IGNORECASE,
)


def _is_stated(before: str, cue: str) -> bool:
    """Tell whether the clause that leads to a cue asserts what follows."""
    clause, lead = _CLAUSE_START.split(before)[-1][-200:], before[-_LEAD:]
    if (
        is_example(before)
        or is_of_somebody(f"{lead}{cue}", len(lead))
        or is_beside_answer(f"{lead}{cue}", len(lead))
        or _QUOTED.search(before)
        or is_spoken(before)
        or (" " in cue and _FROM_KEY.search(cue))
        or denies(clause)
        or _TASK.search(clause)
        or refuses(clause)
        or is_anothers(f"{before}{cue} 0", marked="would" not in cue)
    ):
        return False
    return asserts(clause)
