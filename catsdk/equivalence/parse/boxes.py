r"""The content of the last `\boxed{}` of a text, and of those that answer together with it."""

from __future__ import annotations

import re

__all__ = ["last_boxed"]

_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,4}\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_MOST = 64
_LONGEST = 1_000
_LATEX_SPACE = re.compile(r"\\(?:quad|qquad|text(?:bf|rm)?|mathrm|left|right|[()\[\],;:! ])|[${}~]")
_NAME = re.compile(r"[A-Za-z][A-Za-z]?(?:_\{?\w{1,4}\}?)?\s{0,4}=\s{0,4}$")
_WORD = re.compile(r"[^\W\d_]+")
_JOINING = frozenset(
    ["and", "or", "und", "oder", "et", "ou", "y", "o", "e", "и", "или", "和", "或"]
)

# Start and end of a box with its braces, and of its content.
_Span = tuple[int, int, str]


def last_boxed(text: str) -> str | None:
    r"""Return the content of the last balanced box; boxes that belong together, with commas.

    Boxes belong together where only separators, a name, or a few words with an "and" stand
    between them: `\boxed{1} and \boxed{2}` is `1, 2`.
    """
    spans = _boxes(text)
    if not spans:
        return None
    joined = [spans[-1]]
    for span in reversed(spans[:-1]):
        if not _together(text[span[1] : joined[-1][0]]):
            break
        joined.append(span)
    contents = [content for _, _, content in reversed(joined)]
    return ", ".join(dict.fromkeys(contents))


def _boxes(text: str) -> list[_Span]:
    found: list[_Span] = []
    for match in list(_BOX.finditer(text))[-_MOST:]:
        if found and match.start() < found[-1][1]:
            continue
        end = _closing(text, match.end())
        if end is not None:
            found.append((match.start(), end + 1, text[match.end() : end].strip()))
    return found


def _closing(text: str, start: int) -> int | None:
    depth = 1
    for match in _BRACE.finditer(text, start, start + _LONGEST):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.start()
    return None


def _together(gap: str) -> bool:
    if len(gap) > 80 or "\n\n" in gap:
        return False
    gap = _NAME.sub("", _LATEX_SPACE.sub(" ", gap).rstrip())
    words = [word.lower() for word in _WORD.findall(gap)]
    if not words:
        return not set(gap) - set(" ,;&\n")
    return len(words) <= 5 and not _JOINING.isdisjoint(words) and ". " not in gap
