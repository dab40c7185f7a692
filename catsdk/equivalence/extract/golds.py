"""Right answers as data sets hold them, read like completions: solutions, marks, lists of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from catsdk.equivalence.extract import MARKED
from catsdk.equivalence.extract.closing import concluded
from catsdk.equivalence.extract.cues import after_cue
from catsdk.equivalence.extract.extractor import Extractor
from catsdk.equivalence.extract.sentences import sentences_of

__all__ = ["gold_answer", "gold_answers"]

_SENTENCE = Extractor((*MARKED.rules, ("said", after_cue)))
_SOLUTION = Extractor((*_SENTENCE.rules, ("concluded", concluded)))


def gold_answers(value: object) -> tuple[str, ...]:
    """Return the accepted answers of a cell of a data set, each reduced to its final answer.

    Args:
        value: A text or a number, a list of them where several answers are accepted, or nothing.

    Returns:
        The distinct answers in their order; none where there is nothing in the cell.

    Raises:
        TypeError: the value, or one in the list, is neither a text nor a number.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        each = (gold_answers(part) for part in cast("Sequence[object]", value))
        return tuple(dict.fromkeys(answer for answers in each for answer in answers))
    # Tables write a cell without a number as one that is not a number.
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ()
    if not isinstance(value, str | int | float):
        raise TypeError(f"a gold answer is a text or a number, not {value!r:.80}")
    return (gold_answer(str(value)),)


def gold_answer(text: str) -> str:
    r"""Return the final answer of a gold text: of a whole solution, `#### 72`, `\boxed{72}`, "The answer is 72".

    A short text without such marks is the answer itself, whatever its words: nobody guesses or
    denies in a gold answer.
    """
    text = text.strip()
    whole = len(sentences_of(text[-2_000:])) > 1
    return (_SOLUTION if whole else _SENTENCE).extract(text).answer or text
