r"""Answers that a text marks as final: `\boxed{}`, the tag `<answer>`, GSM8K's `#### x`."""

from __future__ import annotations

import re

from catsdk.equivalence.extract.cues import after_cue
from catsdk.equivalence.extract.sentences import is_answer_in_words
from catsdk.equivalence.extract.values import whole_value
from catsdk.equivalence.extract.wording import is_placeholder, is_unfinished, refuses
from catsdk.equivalence.parse.boxes import joined_boxes

__all__ = ["boxed", "hashed", "inside", "tagged"]

_TAG = re.compile(r"<(/?)(?:final_)?answer>|\[(/?)ANSWER\]", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]+([^\n]*)")
_MOST = 64
_OPENED = re.compile(
    r"(?:^|[\s(,;:])((?:is |are )?(?:not|never|n['’]t|rather than|instead of|anything but))\W{0,6}$|n['’]t\W{0,6}$",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,4}\{")


def boxed(text: str) -> str | None:
    r"""Return the content of the last balanced box that is filled in, and of those joined to it.

    A box behind a "not" states no answer. Of `\boxed{}` without its closing brace nothing is taken.
    """
    found = joined_boxes(text, skip=is_placeholder)
    if found is None:
        return (
            ""
            if _BOX.search(text) and not _BOX.split(text)[-1].startswith("}") and _unclosed(text)
            else None
        )
    start, content = found
    return "" if _OPENED.search(text[max(0, start - 40) : start]) else content


def _unclosed(text: str) -> bool:
    last = list(_BOX.finditer(text))[-1]
    depth = 1
    for sign in re.finditer(r"\\.|[{}]", text[last.end() :], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(sign.group(), 0)
        if depth == 0:
            return False
    return True


def tagged(text: str) -> str | None:
    """Return what stands in the last closed `<answer>` tag that is filled in."""
    tags = list(_TAG.finditer(text))[-_MOST:]
    for at in range(len(tags) - 1, 0, -1):
        opening, closing = tags[at - 1], tags[at]
        if "/" in closing.group() and "/" not in opening.group():
            content = text[opening.end() : closing.start()].strip()
            if not is_placeholder(content):
                return inside(content)
    if tags and "/" not in tags[-1].group():
        return ""
    return None


def hashed(text: str) -> str | None:
    """Return what follows the last `####`, where it is an answer and not a heading."""
    for line in reversed(list(_HASHES.finditer(text))[-_MOST:]):
        content = line.group(1).strip().rstrip("#").strip().strip("*")
        if (
            re.match(r"\d{1,2}[.)]\s+[^\W\d_]", content)
            or is_placeholder(content)
            or is_unfinished(content)
        ):
            continue
        if (value := whole_value(content)) is not None:
            return value if re.search(r"[^\W\d_]", content) else content
        last = not text[line.end() :].strip()
        if (
            last
            and ":" not in content
            and len(content.split()) <= 3
            and is_answer_in_words(content)
        ):
            return content
    return None


def inside(content: str) -> str:
    r"""Return the answer in what is marked as one, which may be a sentence or hold a box itself."""
    for read in (boxed, hashed):
        if found := read(content):
            return found
    if (value := whole_value(content)) is not None:
        return value if len(content.split()) > 4 else content
    if found := after_cue(content):
        return found
    return "" if refuses(content) else content
