"""Reads the token counts of a reply defensively, and completes missing ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from catsdk.core.types import Completion, Usage

__all__ = ["count", "counts", "detail", "with_all_choices"]

# No request has this many tokens, and sums of smaller counts stay exact.
_MOST = 10**12
# More characters per token than any tokenizer achieves: English has 4 to 5.
_DENSEST = 7.0
_SHORT = 200
# Estimates are slightly high, so that a budget is not exceeded unnoticed.
_MARGIN = 1.03
_BLANKS = re.compile(r"\s+")


def count(value: object) -> int | None:
    """A number of tokens, if `value` is one."""
    if type(value) is int and 0 <= value <= _MOST:
        return value
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        return None
    return value


def counts(usage: object, prompt: str, answer: str) -> tuple[int, int] | None:
    """The tokens of prompt and answer under these names; `None` unless both are reported."""
    if not isinstance(usage, dict):
        return None
    asked, said = count(usage.get(prompt)), count(usage.get(answer))
    return None if asked is None or said is None else (asked, said)


def detail(usage: object, where: str, what: str) -> int:
    """The count that stands under `where` and `what` in a reply's usage, else 0."""
    told = usage.get(where) if isinstance(usage, dict) else None
    return (count(told.get(what)) if isinstance(told, dict) else None) or 0


def with_all_choices(
    usage: Usage,
    choices: Sequence[Completion],
    *,
    max_tokens: int | None,
    counts_one: bool = False,
) -> Usage:
    """`usage` with the tokens of all `choices` in it, where the service counted one of them only.

    llama.cpp's server reports the tokens of the first choice as those of all. That is seen where
    the count cannot cover the texts, or all of them ran into `max_tokens` and only one is counted;
    `counts_one` says that it is known of this service. The others are then estimated, by
    `max_tokens` where it cut them and else by their length, and `estimated` is 1.
    """
    if usage.unreported or len(choices) < 2:
        return usage
    told = usage.output_tokens
    counted = [len(each.logprobs) if each.logprobs is not None else 0 for each in choices]
    cut = [max_tokens if each.finish_reason == "length" else None for each in choices]
    lengths = [_length(each) for each in choices]
    one_cap = told == max_tokens and all(cut)
    if not (counts_one or one_cap or sum(counted) > told or _too_dense(sum(lengths), told)):
        return usage
    rate = min(1.5, max(0.1, told / lengths[0])) if lengths[0] >= 20 else 0.3
    estimates = [
        logprobs or limit or min(max_tokens or _MOST, math.ceil(length * rate * _MARGIN) + 1)
        for logprobs, limit, length in zip(counted[1:], cut[1:], lengths[1:], strict=True)
    ]
    total = max(told, counted[0]) + sum(estimates)
    return usage.model_copy(update={"output_tokens": total, "estimated": 1})


def _length(completion: Completion) -> int:
    text = (completion.reasoning or "") + completion.text
    return len(_BLANKS.sub(" ", text))


def _too_dense(characters: int, tokens: int) -> bool:
    return characters > _SHORT and characters > _DENSEST * tokens
