"""What stands around a marked answer: a sign that belongs to it, a larger formula, words against it."""

from __future__ import annotations

import re

from catsdk.answers.extract.closing import concluded
from catsdk.answers.extract.cues import after_cue
from catsdk.answers.extract.wording import is_denied, is_example, is_withdrawn

__all__ = ["as_it_stands"]

_NEAR = 120
_QUOTING = re.compile(
    r"\b(?:says?|said|claims?|claimed|thinks?|thought|believes?|believed|argues?|argued|suggests?|suggested|answered"
    r"|common\s(?:\w+\s)?(?:mistake|error|answer|guess)|tempting|previously|initially|naively|whether|wants?\sus)\b"
    r"(?:\s(?:that|to|the|is|was|it|answer|answers|say|give|i|be|would|a|an|final)){0,5}[\s$\\\\(\[{*_:,]{0,8}$",
    re.IGNORECASE,
)
_SUPPOSING = re.compile(
    r"\b(?:if|suppose|supposing|assume|assuming|imagine|unless|whether|pretend)\s(?:that\s)?(?:the\s|my\s|our\s)?"
    r"(?:final\s|correct\s)?(?:answer|it|value|result|solution)\b[^,.;]{0,30}$",
    re.IGNORECASE,
)
# The first five letters of the words that a sentence needs to deny, doubt, quote or suppose.
_SUSPECT_WORDS = """
not never cannot rather instead anything all except excluding besides other others unlike without longer hardly
wrong incorrect false mistaken bad invalid rejected extraneous naive or refuse decline possible potential candidate
plausible tentative sample example template format placeholder guess attempt try thought first initial previous
early earlier old best than one but say says said claim claims think thinks believe argue ask asked asks asking state
states stated reads suggest suggested expect expects want wants told answered replied wrote according tempting common
deny denies denied disprove reject refute none some someone people many they you nobody no neither nor disagree
impossible if unless whether suppose assume imagine pretend hypothetical true instance way ne neq cancel xcancel
bcancel sout st
"""
_SUSPECT = frozenset(word[:5] for word in _SUSPECT_WORDS.split())
_START, _SIGN_OF_DOUBT = re.compile(r"(?<![a-z])[a-z]{2,5}"), re.compile(r"[!<]|=/|n't|e\.g")
_FENCE = re.compile(r"\s{0,4}```")
_CLOSING = " \n$*_`.)]}\\"
_ALTERNATIVE = re.compile(
    r"[\s$\\)\]}*_`]{0,8}(?:,\s)?or\s(?:maybe\s|perhaps\s|possibly\s|even\s|else\s){0,2}[-$\\({*]{0,4}\d"
)
_ASKED = re.compile(r"[\s$\\)\]}*_`\"”]{0,8}[?？]")
_EQUALS_BEHIND = re.compile(r"(?:[^$\n\\=<>!]|\\[^)\]]|[<>!](?!=))*=")
_MINUS = re.compile(r"[-\u2212\u2013](\s?)[$({*]{0,2}$")
_OPERATOR_BEFORE = re.compile(
    r"(?:[\w)}\]]\s?[+/×÷·]|[\w)}\]]\*|[\w)}]\s\*|\^|[A-Za-z]_|\\(?:pi|theta|alpha|beta)"
    r"|\\(?:cdot|times|div|pm|mp|sqrt|[dtc]?frac|log|ln|sin|cos|tan|exp)(?:\[[^\]]{0,9}\])?|\}\{)[\s{(]{0,3}$"
    # A digit or a letter multiplies where it stands directly before the mark.
    r"|(?:\d|(?<![A-Za-z\\])[A-Za-z])[{(]{0,2}$"
)
_OPERATOR_BEHIND = re.compile(
    r"\s?(?:\^|_\{?\d|\\(?:cdot|times|div|pm|mp|neq?|leq?|geq?|choose|pi|sqrt|[dtc]?frac)(?![a-z])"
    r"|[+/×÷·≠≤≥]\s?[-\w\\(]|\*(?!\*)\s?[\w(\\]|[-\u2212](?=[\d(\\]|[a-z](?![A-Za-z]))|\s?[-\u2212]\s(?=[\d(\\])"
    r"|(?<=\})[xyznkabcpqrtuvw](?![A-Za-z])|(?<=\})\d|!\s?[-+*/=\d])"
)
_PERCENT = re.compile(r"[$\s]{0,2}\\?%")


def as_it_stands(text: str, start: int, end: int, content: str) -> str | None:
    r"""Return a marked answer with the sign that stands before it.

    Args:
        text: The completion.
        start: Where the mark begins in it.
        end: Where the mark ends.
        content: The answer in the mark.

    Returns:
        The answer: `-5` of `-\boxed{5}`. It is empty where the text denies or doubts it, takes it
        back, or has it inside a larger formula; `None` where the text states another one instead.
    """
    before, behind = (
        text[max(0, start - _NEAR) : start],
        text[fence.end() if (fence := _FENCE.match(text, end)) else end :],
    )
    goes_on = behind.strip(_CLOSING) != ""
    if goes_on and is_withdrawn(behind, content):
        return None if after_cue(behind) or concluded(behind) else ""
    line = before.rpartition("\n")[2]
    if (
        not (_is_plain(line) or (_is_meant(line) and not is_denied(line)))
        or goes_on
        and (_ALTERNATIVE.match(behind) or _ASKED.match(behind))
    ):
        return ""
    if goes_on and _is_filled_in(behind):
        return content
    if minus := _MINUS.search(line):
        return _negative(content, line[: minus.start()].rstrip(" $({*\\"), spaced=bool(minus[1]))
    if _OPERATOR_BEFORE.search(line[-24:]) or goes_on and _OPERATOR_BEHIND.match(text, end):
        return ""
    percent = goes_on and "%" not in content and _PERCENT.match(behind)
    return f"{content}\\%" if percent else content


def _is_plain(line: str) -> bool:
    """Tell a line without any word that could deny what follows, as most are, from one to look into."""
    if not line.isascii():
        return False
    return _SUSPECT.isdisjoint(_START.findall(line.lower())) and not _SIGN_OF_DOUBT.search(line)


def _is_meant(line: str) -> bool:
    """Tell whether a line before a mark neither quotes, supposes nor gives an example."""
    return not (_QUOTING.search(line) or _SUPPOSING.search(line) or is_example(line))


def _is_filled_in(behind: str) -> bool:
    r"""Tell the blank of an equation, as in `3 + \boxed{5} = 8`."""
    return _EQUALS_BEHIND.match(behind[:_NEAR]) is not None


def _negative(content: str, lead: str, *, spaced: bool) -> str:
    """Return the answer behind a dash, which is a minus, a bullet, or joins two values."""
    word = re.search(r"[^\W\d_]{2,}$|[.:!?]$|^$", lead) is not None
    if word and spaced:
        return content
    if lead[-1:] in ("-", "\u2212"):
        return ""
    if lead and (lead[-1].isalnum() or lead[-1] in ")}]"):
        # Behind a word a dash with no space is one too; behind a value it subtracts.
        return content if word else ""
    return f"-{content}" if re.fullmatch(r"[\w.\\{}]+", content) else f"-({content})"
