"""Right answers as data sets hold them, read like completions: solutions, marks, lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Number
from typing import cast

from catsdk.answers.extract import MARKED
from catsdk.answers.extract.closing import concluded
from catsdk.answers.extract.cues import after_cue
from catsdk.answers.extract.extractor import Extractor
from catsdk.answers.extract.sentences import sentences_of

__all__ = ["gold_answer", "gold_answers", "gold_cells"]

_SENTENCE = Extractor((*MARKED.rules, ("said", after_cue)))
_SOLUTION = Extractor((*_SENTENCE.rules, ("concluded", concluded)))


def gold_answers(value: object) -> tuple[str, ...]:
    r"""Return the accepted answers of a cell of a data set, each reduced to its final answer.

    Args:
        value: A text or a number, a list of them where several answers are accepted, or nothing.

    Returns:
        The distinct answers in their order; none where there is nothing in the cell.

    Raises:
        TypeError: the value, or one in the list, is neither a text nor a number.

    Example:
        >>> from catsdk.answers import gold_answers
        >>> gold_answers(["6 * 7 is 42\n#### 42", 42.0])
        ('42', '42.0')
    """
    found = [gold_answer(str(cell)) for cell in gold_cells(value)]
    return tuple(dict.fromkeys(answer for answer in found if answer))


def gold_cells(value: object) -> list[str | Number]:
    """Return the texts and numbers in a cell of a data set, without what is empty.

    Args:
        value: A text, a number, nothing, or a collection of those: a list, a set, an array.

    Raises:
        TypeError: something else is in it.
    """
    # Tables write a cell without a number as one that is not a number.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return []
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, Number):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        parts = cast("Iterable[object]", value)
        return [cell for part in parts for cell in gold_cells(part)]
    raise TypeError(f"a gold answer is a text or a number, not {value!r:.80}")


def gold_answer(text: str) -> str:
    r"""Return the final answer of a gold text: a whole solution, `#### 72`, `\boxed{72}`, words.

    A short text without such marks is the answer itself, whatever its words: nobody guesses or
    denies in a gold answer.
    """
    text = text.strip()
    whole = len(sentences_of(text[-2_000:])) > 1
    return (_SOLUTION if whole else _SENTENCE).extract(text).answer or text
