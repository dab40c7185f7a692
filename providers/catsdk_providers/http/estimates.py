"""Estimates tokens that a reply does not report from its texts: rather too many than too few."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from catsdk.core.types import Completion

__all__ = ["tokens_at_most", "with_estimate"]

# Longer texts are estimated by their length alone, since scanning them would block the loop.
_LONG = 100_000
# A tokenizer keeps the words of its own languages whole, and cuts those of others into pieces of
# two or three letters. Digits, signs and the blanks before them often cost a token each.
_PIECE = re.compile(r"[A-Za-z]{1,2}|[^A-Za-z\s]|\s+(?![A-Za-z])|\n")
# Tokens that a chat template puts around a message.
_TEMPLATE = 16
# Tokens of one image: at least what vendors count for one of the usual size.
_IMAGE = 4_096
_DEEPEST = 12
_ASKED = ("messages", "system", "tools", "response_format", "structured_outputs", "output_config")


def with_estimate(
    completions: Sequence[Completion], payload: Mapping[str, Any]
) -> list[Completion]:
    """The completions of a reply whose usage is not reported, with an estimate on the first one.

    It stays marked as `unreported`, and is `estimated`.
    """
    first, *others = completions
    read = sum(_tokens_in(payload.get(name)) for name in _ASKED if name in payload)
    most = payload.get("max_tokens") or payload.get("max_completion_tokens") or math.inf
    written = sum(
        min(most, tokens_at_most(each.text) + tokens_at_most(each.reasoning or "") + 1)
        for each in completions
    )
    estimate = {"input_tokens": read, "output_tokens": int(written), "estimated": 1}
    usage = first.usage.model_copy(update=estimate)
    return [first.model_copy(update={"usage": usage}), *others]


def tokens_at_most(text: str) -> int:
    """How many tokens `text` has at most, with the usual tokenizers: about twice those of prose."""
    beyond_ascii = (len(text.encode("utf-8", "replace")) - len(text)) // 2
    if len(text) > _LONG:
        return len(text) // 2 + beyond_ascii
    return len(_PIECE.findall(text)) + beyond_ascii


def _tokens_in(value: object, depth: int = _DEEPEST) -> int:
    """The tokens of all texts in a part of a payload; an image has a fixed number."""
    if depth == 0:
        return 0
    if isinstance(value, str):
        return _IMAGE if value.startswith("data:image") else tokens_at_most(value)
    if isinstance(value, Mapping):
        around = _TEMPLATE if "role" in value else 0
        return around + sum(_tokens_in(each, depth - 1) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return sum(_tokens_in(each, depth - 1) for each in value)
    return 1
