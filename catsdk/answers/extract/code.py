"""Programs in a text, whose comments and strings state no answer of the text."""

from __future__ import annotations

import re

__all__ = ["is_code", "is_comment"]

_NEAR = 100
# "# Answer" is a heading; "# answer", and what is indented or stands behind code, is a comment.
_BEFORE_WORDS = re.compile(
    r"""(?: (?:^|(?<=\n)|(?<=\s)) (?: //+ | /\*+ | \"{3} | '{3} | \#(?=\s?[^\W\dA-Z]) )
      | ^[ \t]* (?: --+ | ;+ | REM\b ) | ^[ \t]{4,}\#+ | (?<=[^\s*_>\#])[ \t]+\#(?!\#)
    ) \s{0,4} (?:\w+[ \t]){0,4} \w\Z""",
    re.VERBOSE,
)
_COMMENT = re.compile(
    r"""[ \t]* (?: //+ | /\*+ | \"{3} | '{3} | (?:\#|--+|;+|REM\b)(?=\s?[^\W\dA-Z]) )
      | [^#\n]*[\w)\]][ \t]+\#\s?[^\W\d_]""",
    re.VERBOSE,
)
# Statements of a program; a shell and an interpreter ask for them by "$" and ">>>".
_STATEMENT = ("def ", "return ", "print(", "console.log(", "echo ", "assert ")
_FIRST = frozenset("/-;R\"'")
_PROGRAM = re.compile(
    r"```(?!(?:te?xt|plaintext|markdown|md|json5?|output|latex|tex|math)\s)[A-Za-z]", re.IGNORECASE
)


def is_code(text: str, start: int, at: int) -> bool:
    """Tell whether words at a place of a text, in the line from `start` on, are part of a program.

    They are where a comment leads to them, or a fence of a programming language is open.
    """
    if at > start and _BEFORE_WORDS.search(text[max(start, at - _NEAR) : at + 1]):
        return True
    fences = text.count("```", 0, at) if "`" in text else 0
    return fences % 2 == 1 and _PROGRAM.match(text, text.rfind("```", 0, at)) is not None


def is_comment(sentence: str) -> bool:
    """Tell whether a sentence is of a program: a statement, a comment, or code with a comment."""
    if sentence.lstrip(" \t$>").startswith(_STATEMENT):
        return True
    if "#" not in sentence and sentence.lstrip()[:1] not in _FIRST:
        return False
    return _COMMENT.match(sentence) is not None
