"""Texts that are not there yet: the blanks of templates, and sentences that stop."""

from __future__ import annotations

import re

__all__ = ["ELLIPSIS", "is_placeholder", "is_unfinished"]

ELLIPSIS = "…"
"""Stands at the end of a text that was cut off."""

_SPACE = re.compile(r"\\(?:[hv]?phantom|[hv]space|underline|rule)\*?\{[^{}]{0,40}\}")
_DIGIT = re.compile(r"\d")
_PLACEHOLDER = re.compile(
    r"""(?:[\s_.?*\-–—…\#"'`~:|]|\\_)*|\[\s*\]|[A-J](?:\s?[/|]\s?[A-J]){2,}|\(\s*\)
      | [\[<{(]*\s*(?:insert\ |put\ |enter\ |write\ |add\ |give\ |fill\ in\ |type\ )?
        (?:the\ |a\ |an\ |your\ |my\ |this\ )*
        (?:own\ |correct\ |final\ |short\ |single\ |exact\ |numerical\ |numeric\ |integer\ )*
        (?:answers?|numbers?|results?|solutions?|values?|choices?|options?|letters?|expressions?
          |text|string|placeholder
          |integers?|floats?|ans|x+\.x+|n/?a|null|none\ yet|tbd|todo|response|output|here|content
            |x{3,}|y{3,}|\?+)
        (?:\ (?:goes\ |comes\ )?(?:here|only|as\ an?\ \w+|in\ \w+))?\s*[\]>})]*\.?
      | (?:the\ |your\ )?(?:final\ )?answer\ (?:here|goes\ here|only)
      | \\(?:text|mathrm)\{\s*(?:your\ |the\ |final\ )*(?:answer|result|number|value
        |solution)(?:\ here)?\s*\}
      | \\?l?dots|\\(?:square|_+|underline\{\s*\}|quad|ldots|cdots)
      | <[a-z_\ ]{2,40}> | \{\{?\s*[a-z_\ ]{2,40}\s*\}?\} | \[[A-Za-z_\ ]{2,40}\]""",
    re.VERBOSE | re.IGNORECASE,
)
_OPENING, _CLOSING = re.compile(r"(?<!\\)\\[(\[]"), re.compile(r"(?<!\\)\\[)\]]")


def is_placeholder(answer: str) -> bool:
    """Tell whether an answer is the blank of a template, such as `___` or `your answer here`."""
    if answer.isdecimal():
        return False
    if "\\" in answer and _SPACE.fullmatch(answer.strip()):
        return True
    if len(answer) > 100 or _DIGIT.search(answer):
        return False
    return _PLACEHOLDER.fullmatch(answer.strip()) is not None


def is_unfinished(sentence: str) -> bool:
    """Tell whether a sentence stops before its end, or inside a formula."""
    if sentence.rstrip().endswith((ELLIPSIS, "...", "\\ldots", "\\dots")):
        return True
    return len(_OPENING.findall(sentence)) > len(_CLOSING.findall(sentence))
