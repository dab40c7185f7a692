r"""The content of the last `\boxed{}` of a text, and of those that answer together with it."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["ends_in_box", "is_factor", "joined_boxes"]


# Start and end of a box with its braces, and of its content.
_Span = tuple[int, int, str]


def joined_boxes(
    text: str, *, skip: Callable[[str], bool] = lambda content: False
) -> tuple[int, int, str] | None:
    r"""Return where the last boxes that belong together begin and end, and their content.

    They belong together where only separators, a name, or a few words with an "and" stand between
    them: `\boxed{1} and \boxed{2}` is `1, 2`. Those for whose content `skip` is true are passed
    over.
    """
    if (only := _only_box(text)) is not None and not skip(only[2]):
        return only
    joined: list[_Span] = []
    for span in reversed(_boxes(text)[0]):
        if skip(span[2]):
            continue
        if joined and not _together(text[span[1] : joined[-1][0]]):
            break
        joined.append(span)
    if not joined:
        return None
    contents = [content for _, _, content in reversed(joined)]
    return joined[-1][0], joined[0][1], ", ".join(dict.fromkeys(contents))


# A box with no braces in those inside it.
_PLAIN_BOX = re.compile(
    r"\\boxed\{((?:[^{}\\]|\\[A-Za-z,!:; ]|\{[^{}\\]{0,100}\}){1,200})\}", re.ASCII
)


def _only_box(text: str) -> _Span | None:
    """Return the box of a text that has only one, with a plain content, as most have."""
    at = text.rfind("\\boxed")
    plain = _PLAIN_BOX.match(text, at) if at >= 0 else None
    if plain is None or text.find("box") != at + 1 or text.find("\\fbox", at) >= 0:
        return None
    return at, plain.end(), plain[1].strip()


_NEAR = 24
_OPERATES = re.compile(
    r"(?:[-+*/^_\u2212×·÷]|\\(?:cdot|times|div|pm|mp|sqrt|neg|not|neq?))[\s{($]*$"
    r"|(?:\d|(?<![A-Za-z\\])[A-Za-z])[{(]*$"
)
_GOES_ON = re.compile(
    r"[\s)}$]{0,4}(?:[\^_!]|\\(?:cdot|times|div|pm|mp)(?![a-z])|\d"
    r"|[-+*/\u2212×·÷]\s?(?:[\d\\(]|[a-z]\b))"
)


def is_factor(text: str, start: int, end: int) -> bool:
    r"""Tell whether a box is part of a larger formula, as in `2\boxed{5}` and `-\boxed{5}^2`."""
    before = text[max(0, start - _NEAR) : start]
    return _OPERATES.search(before) is not None or _GOES_ON.match(text, end) is not None


def ends_in_box(text: str) -> bool:
    """Tell whether a text stops inside a box."""
    return _boxes(text)[1]


# Braces, except pairs with neither a brace nor a command inside.
_BRACE = re.compile(
    r"\\(?:(?P<box>(?:boxed|fbox)\s{0,4}\{)|[\\{}])|\{(?:[^{}\\]*\})?|(?P<closing>\})"
)
_MOST = 64


def _boxes(text: str) -> tuple[list[_Span], bool]:
    """Return the balanced boxes that stand in no other one, and whether one is left open.

    One pass over the braces is enough, however many boxes are open.
    """
    firsts = [at for at in (text.find("\\boxed"), text.find("\\fbox")) if at >= 0]
    if not firsts:
        return [], False
    first = min(firsts)
    last = max(text.rfind("\\boxed", first), text.rfind("\\fbox", max(firsts)))
    found: list[_Span] = []
    # For each open brace, where its box starts and its content; of a plain brace nothing.
    open_braces: list[tuple[int, int] | None] = []
    for sign in _BRACE.finditer(text, first):
        kind = sign.lastgroup
        if kind == "box":
            open_braces.append((sign.start(), sign.end()))
        elif kind is None and sign.end() - sign.start() == 1:
            open_braces.append(None)
        elif kind == "closing" and open_braces and (box := open_braces.pop()) is not None:
            start, content = box
            while found and found[-1][0] > start:
                found.pop()
            found.append((start, sign.end(), text[content : sign.start()].strip()))
            if start >= last and not any(open_braces):
                break
    return found[-_MOST:], any(box is not None for box in open_braces)


_LATEX_SPACE = re.compile(r"\\(?:quad|qquad|text(?:bf|rm)?|mathrm|left|right|[()\[\],;:! ])|[${}~]")
_NAME = re.compile(r"[A-Za-z][A-Za-z]?(?:_\{?\w{1,4}\}?)?\s{0,4}=\s{0,4}$")
_WORD = re.compile(r"[^\W\d_]+")
_JOINING = frozenset(
    ["and", "or", "und", "oder", "et", "ou", "y", "o", "e", "и", "или", "和", "或"]
)
_DOUBTING = frozenset(["maybe", "perhaps", "possibly", "probably", "not", "even", "rather", "no"])


def _together(gap: str) -> bool:
    if len(gap) > 80 or "\n\n" in gap:
        return False
    gap = _NAME.sub("", _LATEX_SPACE.sub(" ", gap).rstrip())
    words = [word.lower() for word in _WORD.findall(gap)]
    if not words:
        return not set(gap) - set(" ,;&\n")
    joining = not _JOINING.isdisjoint(words) and _DOUBTING.isdisjoint(words)
    return len(words) <= 5 and joining and ". " not in gap
