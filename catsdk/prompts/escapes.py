r"""Literal backslashes in a reply's JSON, from LaTeX that the model did not escape.

`"\frac{1}{2}"` is valid JSON for a form feed and `rac{1}{2}`; `"\sqrt{2}"` is not valid.
"""

from __future__ import annotations

import re

__all__ = ["escaped"]

_BACKSLASH = re.compile(
    r"\\(?:(?P<legal>[\"\\/]|u[0-9a-fA-F]{4})|(?P<word>[A-Za-z]+)|(?P<apostrophe>')|)"
)
# Commands whose first letter also makes a JSON escape: `\n`, `\r` or `\t`. Those with b and f need
# no list, because a text never contains a backspace or a form feed.
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

    Those are backslashes that begin no JSON escape (`\sqrt`, `\(`) and those that begin a LaTeX
    command (`\frac`, `\nu`, `\times`). An escaped apostrophe, as in Python, loses its backslash.
    Correct escapes are left unchanged.
    """
    return _BACKSLASH.sub(_meant, text) if "\\" in text else text


def _meant(match: re.Match[str]) -> str:
    if match["apostrophe"]:
        return "'"
    word = match["word"] or ""
    white = word[:1] in {"n", "r", "t"} and word not in _COMMANDS
    return match[0] if match["legal"] or white else f"\\{match[0]}"
