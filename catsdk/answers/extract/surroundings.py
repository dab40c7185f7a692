"""What stands around a marked answer: a sign that is part of it, a larger formula, words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from catsdk.answers.extract.closing import concluded
from catsdk.answers.extract.code import is_code, is_comment
from catsdk.answers.extract.conditions import is_one_case, may_depend
from catsdk.answers.extract.cues import after_cue
from catsdk.answers.extract.leads import is_meant
from catsdk.answers.extract.sentences import words_of
from catsdk.answers.extract.voices import is_anothers, is_spoken, may_be_anothers
from catsdk.answers.extract.withdrawals import is_withdrawn
from catsdk.answers.extract.wording import asks

__all__ = ["as_it_stands"]

_NEAR, _READ = 120, 4_000
_FENCE = re.compile(r"\s{0,4}```")
_CLOSING = " \n$*_`.)]}\\"
_SENTENCE_ENDS = (". ", "! ", "? ", "。")
# One of the first two words of a question.
_ASKING_WORDS = """
is isn are aren was wasn were does doesn did didn do don can could should would will must might may
have has am shall what how why ist est
"""
_ASKING = frozenset(_ASKING_WORDS.split())
_OPENING, _BEHIND = " \t$\\({[*_`\"'", 80
_ALTERNATIVE = re.compile(
    r"[\s$\\)\]}*_`]{0,8}[,;]?\s?\(?(?:or|to|through|alternatively|else|versus|vs\.?)\b[:,]?\s"
    r"(?:maybe\s|perhaps\s|possibly\s|even\s|else\s){0,2}[-$\\({*]{0,4}\d"
)
_BETWEEN, _BOTH = re.compile(r"\b[Bb]etween\s[\s$\\(*]{0,6}$"), re.compile(r"\band\b|,|;|\\text")
_ASKED = re.compile(r"[\s$\\)\]}*_`\"”]{0,8}[?？]")
_EQUALS_BEHIND = re.compile(r"(?:[^$\n\\=<>!]|\\[^)\]]|[<>!](?!=))*=")
# The sign is among the last four characters.
_DASHES = frozenset("-\u2212\u2013")
_MINUS = re.compile(r"[-\u2212\u2013](\s?)[$({*]{0,2}$")
_OPERATOR_BEFORE = re.compile(
    r"(?:[\w)}\]]\s?[+/×÷·]|[\w)}\]]\*|[\w)}]\s\*|\^|[A-Za-z]_|\\(?:pi|theta|alpha|beta)"
    r"|\\(?:cdot|times|div|pm|mp|sqrt|[dtc]?frac|log|ln|sin|cos|tan|exp)(?:\[[^\]]{0,9}\])?"
    r"|\}\{|(?<=[\w)}|]\s)[<>]|(?<=[\w)}|])<|[≤≥]|\\(?:[lg]eq?(?:slant)?|[lg]t)(?![a-z])"
    r"|(?<!\w)0\.)[\s{(]{0,3}$"
    # A digit or a letter multiplies where it stands directly before the mark.
    r"|(?:\d|(?<![A-Za-z\\])[A-Za-z])[{(]{0,2}$"
)
_OPERATOR_BEHIND = re.compile(
    r"\s?(?:\^|_\{?\d|\\(?:cdot|times|div|pm|mp|neq?|leq?|geq?|choose|pi|sqrt|[dtc]?frac)(?![a-z])"
    r"|[+/×÷·≠≤≥]\s?[-\w\\(]|\*(?!\*)\s?[\w(\\]|[-\u2212](?=[\d(\\]|[a-z](?![A-Za-z]))"
    r"|\s?[-\u2212]\s(?=[\d(\\])|(?<=\})[xyznkabcpqrtuvw](?![A-Za-z])|(?<=\})\d|!\s?[-+*/=\d])"
    r"|\s?(?:<\s?(?=[\d\\A-Za-z][^>]*$)|\{\}\s?[\^_]|[eE]-?\d|\.\d|,\d{3}(?!\d)|:\s?\d|,\s?\\l?dots)"
    r"|[\s$\\)\]}*_`]{1,6}(?:squared|cubed|plus|minus|doubled|tripled|halved|(?:divided|multiplied)\sby"
    r"|times\s(?:two|three|itself|\d))\b"
)
# A box between braces that a formula opens, or inside a pair, an interval or a set.
_SHELL_WORDS = """
text textbf textit textrm mathbf mathrm mathit mathsf bm boldsymbol underline ensuremath large Large
LARGE huge Huge displaystyle color textcolor colorbox bf boxed fbox left centerline
"""
_SHELLS = frozenset(_SHELL_WORDS.split())
_OPENED = re.compile(r"(?:([_^])|\\([A-Za-z]+)(?:\{[^{}]{0,30}\}|\[[^\]]{0,9}\])?)\s?$")
_FIRST_OF_PAIR = re.compile(r"(?<![\w}])\\?[(\[{]\s?$")
_LATER_OF_PAIR = re.compile(r"(?<![\w}])\\?[(\[{](?:\s?-?[\w\\.]{1,12}\s?[,;]){1,6}\s?$")
_SECOND = re.compile(r"(?:\s?[,;]\s?-?[\w\\.]{1,12}){1,6}\s?\\?[)\]}]")
_CLOSES = re.compile(r"\s?\\?[)\]}]")
_SCALE = re.compile(
    r"[\s$]{0,3}(?:\\(?:text|mathrm)\{\s?)?(hundred|thousand|million|billion|trillion|dozen)\b(?!s)",
    re.IGNORECASE,
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
        back, or has it inside a larger formula; `None` if the text states another one instead.
    """
    line = text[max(0, start - _NEAR, text.rfind("\n", 0, start) + 1) : start]
    behind = text[end:]
    if "`" in behind and (fence := _FENCE.match(behind)) is not None:
        behind = behind[fence.end() :]
    goes_on = behind.strip(_CLOSING) != ""
    near = behind[:_READ]
    words_behind = words_of(near) if goes_on else []
    if goes_on and is_withdrawn(near, content, words_behind):
        return None if after_cue(behind) or concluded(behind) else ""
    words = words_of(line)
    if (
        not is_meant(line, words)
        or _is_quoted(text, start, line, words)
        or (not _ASKING.isdisjoint(words[:2]) and asks(_last_sentence(line)))
        or ("etween" in line and _BETWEEN.search(line) and not _BOTH.search(content))
    ):
        return ""
    if may_be_anothers(line, words + words_behind) and _is_of_another(line, behind):
        return ""
    if goes_on and (_ALTERNATIVE.match(behind) or _ASKED.match(behind)):
        return ""
    if goes_on and _is_filled_in(behind):
        return content
    if _is_part(line, behind) or (goes_on and _OPERATOR_BEHIND.match(text, end)):
        return ""
    if not _DASHES.isdisjoint(line[-4:]) and (minus := _MINUS.search(line)) is not None:
        return _negative(content, line[: minus.start()].rstrip(" $({*\\"), spaced=bool(minus[1]))
    if _may_operate(line) and _OPERATOR_BEFORE.search(line[-24:]):
        return ""
    return _with_words(content, behind) if goes_on else content


def _with_words(content: str, behind: str) -> str:
    """Return an answer with the percent sign, or the word of a scale, that follows its mark."""
    if "%" not in content and _PERCENT.match(behind):
        return f"{content}\\%"
    scale = _SCALE.match(behind) if content.isdecimal() else None
    return f"{content} {scale[1]}" if scale else content


def _is_quoted(text: str, start: int, line: str, words: Iterable[str]) -> bool:
    """Tell whether a mark is in a program, in the words of somebody, or holds in one case only."""
    if is_comment(line) or ("`" in text and is_code(text, start, start)):
        return True
    if is_spoken(line):
        return True
    return may_depend(words, line) and is_one_case(_last_sentence(line))


def _is_part(line: str, behind: str) -> bool:
    """Tell whether a mark stands in a group of a formula, or is one of several in brackets."""
    last, first = line[-3:].rstrip()[-1:], behind[:2].lstrip()[:1]
    if first and last in "([{" and first in ",;" and last:
        return _FIRST_OF_PAIR.search(line) is not None and _SECOND.match(behind) is not None
    if last and last in ",;":
        return _CLOSES.match(behind) is not None and _LATER_OF_PAIR.search(line) is not None
    depth = 0
    for at in range(len(line) - 1, -1, -1) if first == "}" else ():
        if line[at] in "{}" and line[at - 1 : at] != "\\":
            depth += 1 if line[at] == "}" else -1
        if depth < 0:
            opened = _OPENED.search(line, 0, at)
            return opened is not None and opened[2] not in _SHELLS
    return False


def _is_of_another(line: str, behind: str) -> bool:
    """Tell whether the sentence that leads to a mark gives its value as that of somebody else."""
    lead = _last_sentence(line).rstrip(_OPENING)
    if not lead:
        return False
    rest = behind[:_BEHIND].partition("\n")[0]
    return is_anothers(f"{lead} 0{rest}", marked=True)


def _last_sentence(line: str) -> str:
    """Return what stands in a line behind the last end of a sentence in it."""
    return line[max(line.rfind(end) for end in _SENTENCE_ENDS) + 1 :]


def _may_operate(line: str) -> bool:
    """Tell, at a glance, whether an operator or a factor may end a line."""
    last = line.rstrip(" \t\r\f\v{(")[-1:]
    return last.isalnum() or last in "+/×÷·*^_}]<>." or not line.isascii()


def _is_filled_in(behind: str) -> bool:
    r"""Tell the blank of an equation, as in `3 + \boxed{5} = 8`."""
    near = behind[:_NEAR]
    return "=" in near and _EQUALS_BEHIND.match(near) is not None


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
