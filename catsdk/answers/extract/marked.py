r"""Answers that a text marks as final: `\boxed{}`, the tag `<answer>`, GSM8K's `#### x`."""

from __future__ import annotations

import re

from catsdk.answers.compare import same
from catsdk.answers.engine.parse.boxes import ends_in_box, joined_boxes
from catsdk.answers.extract.conclusions import answer_of
from catsdk.answers.extract.cues import after_cue
from catsdk.answers.extract.surroundings import as_it_stands
from catsdk.answers.extract.templates import is_placeholder, is_unfinished
from catsdk.answers.extract.values import whole_value
from catsdk.answers.extract.wording import hedges, refuses
from catsdk.answers.extract.words import is_answer_in_words

__all__ = ["boxed", "hashed", "inside", "tagged"]

_TAG = re.compile(r"<(/?)(?:final_)?answer>|\[(/?)ANSWER\]", re.IGNORECASE)
# Tags that may hold an answer, a program's output, or a whole solution.
_OTHER_TAG = re.compile(
    r"<(result|solution|final|conclusion|response|output|ans"
    r"|final[-_ ](?:answer|result|solution|response))>([^<>]{1,400})</\1>",
    re.IGNORECASE,
)
# A box whose content is not shown states nothing, and neither does what stands in it.
_HIDDEN = re.compile(r"\\f?box(?:ed)?\{\s?\\[hv]?phantom\{")
_OR = re.compile(r"\s*(?:or|oder|ou|/|\|)\s*", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]+([^\n]*)")
_MOST = 64
_MOST_WORDS = 3
_SHORTEST_STATEMENT = 6
_NUMBERED = re.compile(r"\d{1,2}[.)]\s+[^\W\d_]")
# What leaves the answer open, or takes it back, with a mark of its own: "#### or 6".
_OPENS_AGAIN = re.compile(
    r"""(?=.*(?:\d|\b[A-J]\b))[\W_]*(?i:or|oder|ou|alternatively|otherwise|else|maybe|perhaps
      |possibly|probably|not|no|wait|actually|sorry|oops|rather|correction|but)\b""",
    re.VERBOSE,
)
# A heading has a capital letter; another value, or a doubt in other words, has none.
_NO_HEADING = re.compile(r"(?=.*\d)[\W_]*[a-zа-я\d]")


def boxed(text: str) -> str | None:
    r"""Return the content of the last balanced box that is filled in, and of those joined to it.

    A box that is denied, taken back or part of a formula states no answer, and neither does
    `\boxed{}` without its closing brace.
    """
    found = joined_boxes(text, skip=is_placeholder)
    if found is None:
        return "" if ends_in_box(text) or _HIDDEN.search(text) else None
    answer = as_it_stands(text, *found)
    return None if answer and _is_replaced(answer, text[found[1] :]) else answer


def _is_replaced(answer: str, behind: str) -> bool:
    """Tell whether another answer is marked or said behind a box; a letter may be its choice."""
    if len(behind) < _SHORTEST_STATEMENT:
        return False
    later = hashed(behind) or tagged(behind) or after_cue(behind)
    if (
        not later
        or later == answer
        or min(len(later), len(answer.strip("()"))) == 1
        and not (later.isdigit() and answer.isdigit())
    ):
        return False
    return same(later, answer).outcome == "different"


def tagged(text: str) -> str | None:
    """Return what stands in the last closed `<answer>` tag that is filled in."""
    if "nswer" not in text and "NSWER" not in text:
        return _tagged_otherwise(text)
    tags = list(_TAG.finditer(text))[-_MOST:]
    for at in range(len(tags) - 1, 0, -1):
        opening, closing = tags[at - 1], tags[at]
        if "/" in closing.group() and "/" not in opening.group():
            if at > 1 and _OR.fullmatch(text, tags[at - 2].end(), opening.start()):
                return ""
            content = text[opening.end() : closing.start()].strip()
            if _OPENS_AGAIN.match(content):
                return ""
            if not is_placeholder(content):
                return as_it_stands(text, opening.start(), closing.end(), inside(content))
    if tags and "/" not in tags[-1].group():
        return ""
    return _tagged_otherwise(text)


def _tagged_otherwise(text: str) -> str | None:
    """Return the answer in the last tag such as `<result>`, unless another is said behind it."""
    if "</" not in text:
        return None
    tags = list(_OTHER_TAG.finditer(text))[-2:]
    if not tags:
        return None
    tag = tags[-1]
    if _OR.fullmatch(text, tags[0].end(), tag.start()):
        return ""
    content, behind = tag[2].strip(), text[tag.end() :]
    if _OPENS_AGAIN.match(content):
        return ""
    answer = whole_value(content) or (inside(content) if is_answer_in_words(content) else None)
    if not answer or after_cue(behind):
        return None
    return as_it_stands(text, tag.start(), tag.end(), answer)


def hashed(text: str) -> str | None:
    """Return what follows the last `####`, where it is an answer and not a heading."""
    if "####" not in text:
        return None
    lines = list(_HASHES.finditer(text))[-_MOST:]
    opened = False
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        content = line.group(1).strip().rstrip("#").strip().strip("*")
        if _NUMBERED.match(content) or is_placeholder(content) or is_unfinished(content):
            continue
        if (value := whole_value(content)) is not None:
            if opened or (at > 0 and _is_alternative(text, lines[at - 1], line)):
                return ""
            value = value if re.search(r"[^\W\d_]", content) else content
            return as_it_stands(text, line.start(), line.end(), value)
        if at > 0 and (_OPENS_AGAIN.match(content) or _NO_HEADING.match(content)):
            opened = True
        # Words are a heading, unless they end the text.
        elif not text[line.end() :].strip() and _is_name(content):
            return content
    return None


def _is_alternative(text: str, before: re.Match[str], line: re.Match[str]) -> bool:
    """Tell whether an "or" joins a line with hashes to the one before it, or is that one."""
    between = text[before.end() : line.start()]
    return _OR.fullmatch(between if between.strip() else before.group(1)) is not None


def _is_name(content: str) -> bool:
    return ":" not in content and len(content.split()) <= 3 and is_answer_in_words(content)


def inside(content: str) -> str:
    r"""Return the answer in what is marked as one, which may be a sentence or hold a box itself."""
    for read in (boxed, hashed):
        if found := read(content):
            return found
    if (value := whole_value(content)) is not None:
        return value if len(content.split()) > 4 else content
    if found := after_cue(content):
        return found
    words = len(content.split())
    if refuses(content) or (words > 1 and hedges(content)):
        return ""
    return (answer_of(content, alone=True) if words > _MOST_WORDS else None) or content
