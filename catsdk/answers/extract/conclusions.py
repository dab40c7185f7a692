"""The answer that a concluding sentence asserts."""

from __future__ import annotations

import re

from catsdk.answers.extract.code import is_comment
from catsdk.answers.extract.conditions import is_one_case
from catsdk.answers.extract.equations import EQUALS, equation_in
from catsdk.answers.extract.leads import is_denied
from catsdk.answers.extract.numbers import number_in_words, one_number
from catsdk.answers.extract.phrases import Value
from catsdk.answers.extract.templates import is_unfinished
from catsdk.answers.extract.values import value_at, whole_value
from catsdk.answers.extract.voices import is_anothers, is_spoken
from catsdk.answers.extract.withdrawals import refutes
from catsdk.answers.extract.wording import (
    asks,
    asserts,
    compares,
    denies,
    hedges,
    is_beside_answer,
    is_conditional,
    is_example,
    is_of_somebody,
    last_clause,
    refuses,
    rejects,
)
from catsdk.answers.extract.words import is_answer_in_words

__all__ = ["answer_of"]

_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*|__([^_\n]{1,200})__|<b>([^<\n]{1,200})</b>")
_COPULA = re.compile(
    r"""\b(?:is|are|am|was|were|equals?|becomes?|will\ be|must\ be|has\ to\ be|totals?
      |comes?\ (?:out\ )?to|turns?\ out\ to\ be
      |amounts?\ to|adds?\ up\ to|evaluates?\ to|simplifies\ to|reduces\ to|works?\ out\ to
      |results?\ in|gives?(?:\ us|\ you)?|yields?|gets?|got|makes?|leaves?|shows?|obtain(?:s|ed)?
      |ist|est|es|é|beträgt|vaut|son|sont|sind|是|为|等于|равно)\b:?\s|(?<=\w)['’]s\s(?=[*$\\\d(-])|[→⇒]
        |:\s(?=[*$\\\d(-])""",
    re.VERBOSE | re.IGNORECASE,
)
_REVERSED = re.compile(
    r"\s*(?:\$|\\\)|\*\*)?\s*(?:is|are)\s+(?:therefore\s+|thus\s+)?(?:(?:the|our"
    r"|my)\s+)?(?:final\s+|correct\s+|right\s+|best\s+|only\s+){0,2}(?:answers?|choice|option"
    r"|solutions?|correct|right)\b",
    re.IGNORECASE,
)


_LONGEST_READ = 2_000
_BULLET = re.compile(r"^[\s>*-]{0,6}(?=[*$\\\d(A-J+-])|^#{1,6}\s")
_FIRST_STEP = re.compile(
    r"^\W{0,4}(?:(?:dear\s\w+,?\s)?(?:please\s)?(?:accept|mark|grade|reward|award)(?=\s\$?[\d\\])"
    r"|first(?:ly)?|to start|to begin|step\s?1|1[.)](?=\s)|let(?!['’]s [^:.]{1,60}:)|try"
    r"|say|repeat|consider|please|if (?:we|you|i|one) (?:let|take|set|assume|suppose|choose|try)"
    r"|start|begin|we (?:need|know|have to|can|must|are given|want)|i (?:need|will|have to)|given"
    r"|recall|note|suppose|next|(?:prove|show|check|verify|demonstrate|explain) (?:that|why|how|if"
    r"|whether))(?!\w)",
    re.IGNORECASE,
)
# Names of what is not an answer, in front of a colon.
_NO_ANSWERS = re.compile(
    r"^\W{0,6}(?:examples?|sample|todo|template|format|placeholder|hint|draft"
    r"|(?:first |initial )?guess)\b[^:\n]{0,20}:",
    re.IGNORECASE,
)
_FIRST_ONLY = re.compile(
    r"\bfirst,? (?:multiply|add|subtract|divide|compute|calculate|find|take)\b(?!.*\bthen\b)",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(r"[\s*_]{0,4}(yes|no|true|false)\b(?=[\s*_]{0,4}[,.:;—–-])", re.IGNORECASE)


def answer_of(sentence: str, *, alone: bool = False) -> str | None:
    """Return the answer that a concluding sentence asserts.

    It is `None` if the sentence asserts none, and an empty text where it leaves the answer
    open: it guesses, asks, refuses or stops before its end. `alone` says that the sentence is the
    whole reply.
    """
    if len(sentence) > _LONGEST_READ:
        return None
    if _is_open(sentence):
        return ""
    if (
        is_conditional(sentence)
        or is_one_case(sentence)
        or _NO_ANSWERS.match(sentence)
        or _is_row(sentence)
    ):
        return ""
    if is_anothers(sentence) or is_comment(sentence) or is_spoken(sentence):
        return ""
    if _FIRST_STEP.match(sentence) or _FIRST_ONLY.search(sentence) or is_example(sentence):
        return None
    sentence = _without_place(sentence)
    for read in (_whole, _bold, _reversed, equation_in, _copula):
        if (found := read(sentence)) is not None:
            return found
    if alone and (word := _YES_OR_NO.match(sentence)) is not None:
        return word.group(1)
    return _only_number(sentence) if alone or _concludes(sentence) else None


def _whole(sentence: str) -> str | None:
    return whole_value(_BULLET.sub("", sentence))


def _is_row(row: str) -> bool:
    """Tell whether a sentence is the row of a table in which several cells are values."""
    if not row.startswith("|"):
        return False
    cells = [cell.strip() for cell in row.strip("| ").split("|")]
    return sum(whole_value(cell) is not None for cell in cells if cell) > 1


# Where a value is taken on, which is not the value.
_PLACE = re.compile(
    r",\s(?:(?:which|and)\s)?(?:it\s)?(?:is\s)?(?:attained|achieved|reached|obtained|occurs?|occurring"
    r"|happens?)\s(?:only\s|exactly\s)?(?:when|at|for|if|by)\b[^;]*?(?=\.?$)"
)


def _without_place(sentence: str) -> str:
    """Leave out where a value is taken on: "the maximum is 42, attained at x = 1"."""
    found = _PLACE.search(sentence) if ", " in sentence else None
    if found is None or not re.search(r"\d", sentence[: found.start()]):
        return sentence
    return sentence[: found.start()] + sentence[found.end() :]


_TRAILING = re.compile(
    r"\b(?:and|or|then|so|the|an?|of|is|are|to|for|by|with|from|we|plus|minus|times|but|in|on|at|as"
    r"|because|since|that|which|now|next|if|when|he|she|they|it|has|have|will|each|per)[\s*_,:-]*$"
    r"|(?:[-+/×÷=^(]|\s\*)\s*$",
    re.IGNORECASE,
)


def _is_open(sentence: str) -> bool:
    """Tell whether a sentence asks, guesses, refuses, or stops before its end."""
    if sentence.rstrip('*_ )"”').endswith(("?", "？")) or _TRAILING.search(sentence):
        return True
    return asks(sentence) or hedges(sentence) or refuses(sentence) or is_unfinished(sentence)


_CONCLUDES = re.compile(
    r"^\W{0,4}(?:so|therefore|thus|hence|in total|in all|in conclusion|in summary|overall"
    r"|altogether|finally|consequently|as a result|to conclude|this means|that means|which means"
    r"|accordingly|then|also|donc|also|por lo tanto|daher|因此|所以|故)\b"
    r"|\b(?:in total|altogether|in all|a total of|total|left|remain(?:s|ing)?|overall)\b|^∴",
    re.IGNORECASE,
)


def _concludes(sentence: str) -> bool:
    ended = sentence.rstrip('*_"”) ').endswith((".", "!", "。", "！"))
    return ended and _CONCLUDES.search(sentence) is not None


# An arrow such as "=>" or "->" is none.
_RELATION = re.compile(r"(?<![=-])>|[<≤≥≠]|\\(?:[lg]eq?|neq?|[lg]t)(?![a-z])")
_OF_ANSWERS = re.compile(r"\b(?:answer\w*|options?|choices?)\b", re.IGNORECASE)


def _only_number(sentence: str) -> str | None:
    """Return the one number of a sentence that neither denies nor compares."""
    if _OF_ANSWERS.search(sentence) or compares(sentence):
        return None
    if denies(sentence) or rejects(sentence) or is_of_somebody(sentence):
        return None
    if not asserts(sentence):
        return None
    if _RELATION.search(sentence):
        lead = _LEAD.match(sentence)
        return whole_value(sentence[lead.end() :]) if lead else None
    plain = _BOLD.sub(lambda bold: bold.group(bold.lastindex or 0), sentence)
    return one_number(plain) or number_in_words(plain)


_NEAR = 300
_COMPARED = re.compile(
    r"(?:\b(?:less|more|greater|fewer|larger|smaller|higher|lower) than|\bat (?:least|most)|\bup to"
    r"|\balmost|\bbetween|\bwithin)\W*$",
    re.IGNORECASE,
)


def _holds(before: str) -> bool:
    """Tell whether a value behind `before` is asserted."""
    clause = last_clause(before[-_NEAR:])
    if is_of_somebody(clause) or is_beside_answer(clause):
        return False
    return asserts(clause) and not (_COMPARED.search(clause) or is_denied(before[-_NEAR:]))


def _bold(sentence: str) -> str | None:
    """Read what is printed in bold in a sentence, the last where there are several."""
    spans = list(_BOLD.finditer(sentence))
    if not spans:
        return None
    last = spans[-1]
    content = last.group(last.lastindex or 0).strip()
    before, behind = sentence[: last.start()], sentence[last.end() :]
    if not before.strip(" >*-•") and behind.strip(" .*") and not _REVERSED.match(behind):
        # A label, as in "**Total:** 5" or "**5** is one of them".
        return None
    if re.search(r"\bor\W*$|\w.*[-\u2212]$", before, re.DOTALL) or _follows_value(spans):
        return ""
    if not _holds(before) or re.search(r"\d|=|\bor\b", behind) or refutes(behind, content):
        return None
    if (value := value_at(content)) is not None:
        found = whole_value(content)
        return "" if value.alternatives else found or answer_of(content)
    if EQUALS.search(content) and (equal := answer_of(content)):
        return equal
    if _COPULA.search(before) and is_answer_in_words(content.rstrip(".:")):
        return content.rstrip(".:")
    return None


def _follows_value(spans: list[re.Match[str]]) -> bool:
    """Tell whether two different values in bold stand side by side at the end."""
    if len(spans) < 2 or spans[-2].string[spans[-2].end() : spans[-1].start()].strip(" ,;/|"):
        return False
    one, other = (whole_value(span.group(span.lastindex or 0)) for span in spans[-2:])
    return one is not None and other is not None and one != other


_LEAD = re.compile(
    r"(?:(?:so|therefore|thus|hence|then|and|finally|in conclusion|option|choice|answer|the|number"
    r"|letter)\b,?\s{0,3}|\W(?<![$\\({\[\-+*.√∞π])){1,12}",
    re.IGNORECASE,
)


def _reversed(sentence: str) -> str | None:
    """Read a value that is said to be the answer, as in "Thus x <= 2 is our answer"."""
    lead = _LEAD.match(sentence)
    text = sentence[lead.end() :] if lead else sentence
    found = value_at(text)
    if found is None or not _REVERSED.match(found.rest):
        return None
    return "" if found.alternatives else found.text


# This is for the rule of cues, which has passed it over where it comes to here.
_SAID = re.compile(r"\b(?:answers?|option|choice) (?:is|are):?\s$", re.IGNORECASE)


def _copula(sentence: str) -> str | None:
    """Read the value behind the last verb that can state one."""
    for verb in reversed(list(_COPULA.finditer(sentence))[-6:]):
        behind = sentence[verb.end() :]
        if _SAID.search(sentence[: verb.end()]):
            return None
        found = value_at(behind)
        if found is None:
            continue
        if found.alternatives:
            return ""
        if not _plain_rest(found):
            return None
        return found.text if _holds(sentence[: verb.start()]) else None
    return None


_NUMBER = re.compile(r"\d(?!\s?[-.)]?\s?(?:st|nd|rd|th)\b)|[=≠]|\bor\b")


def _plain_rest(found: Value) -> bool:
    """Tell whether nothing behind a value may be another one, or denies it."""
    return not (_NUMBER.search(found.rest) or denies(found.rest) or refutes(found.rest, found.text))
