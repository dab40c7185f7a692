r"""Backslashes in a reply's JSON that mean themselves: LaTeX that its writer did not escape.

`"\frac{1}{2}"` is legal JSON and says a form feed and `rac{1}{2}`; `"\sqrt{2}"` is not legal.
"""

from __future__ import annotations

import re

__all__ = ["escaped"]

_BACKSLASH = re.compile(
    r"\\(?:(?P<legal>[\"\\/]|u[0-9a-fA-F]{4})|(?P<word>[A-Za-z]+)|(?P<apostrophe>')|)"
)
# Commands whose first letter is also that of an escape in JSON, `\n`, `\r` or `\t`. Those in b and
# f need no list, because a text holds neither a backspace nor a form feed.
_COMMANDS = frozenset(
    """
    nabla natural ncong ne nearrow neg neq newline nexists ngeq ngtr nleq nless nmid nolimits
    nonumber normalsize not notin nparallel nprec nsim nsubset nsubseteq nsucc nsupseteq nu nwarrow
    rangle rbrace rbrack rceil rfloor rho rhd right rightarrow rightharpoonup rightleftharpoons
    rightsquigarrow rm rVert rvert
    tan tanh tau tbinom text textbf textit textrm textsf textstyle texttt textup textwidth tfrac
    therefore theta thickapprox thicksim thinspace tilde times to top triangle triangledown
    triangleleft triangleq triangleright
    """.split()  # noqa: SIM905 - a list this long reads better as words
)


def escaped(text: str) -> str:
    r"""Return the JSON `text` with each backslash doubled that was not meant as an escape.

    Those are the backslashes before what JSON does not know (`\sqrt`, `\(`) and those that begin a
    command of LaTeX (`\frac`, `\nu`, `\times`). An escaped apostrophe, as in Python, loses its
    backslash. What is escaped correctly stays as it is.
    """
    return _BACKSLASH.sub(_meant, text) if "\\" in text else text


def _meant(match: re.Match[str]) -> str:
    if match["apostrophe"]:
        return "'"
    word = match["word"] or ""
    white = word[:1] in {"n", "r", "t"} and word not in _COMMANDS
    return match[0] if match["legal"] or white else f"\\{match[0]}"
