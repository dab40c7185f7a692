"""Strict JSON that all parsers read alike: unique names, finite numbers, bounded nesting.

A proxy in front must read the same as is read here, and it must be possible to send it on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from math import isinf
from typing import Any, Final, cast

__all__ = ["read_json"]

_DEPTH: Final = 100
_CONTAINERS: Final = 50_000
_DIGITS: Final = 40


def read_json(content: bytes) -> Any:
    """Return the value that the bytes describe.

    Args:
        content: JSON in UTF-8.

    Raises:
        ValueError: it is no JSON, can be read in two ways (a name stands twice in an object), holds
            something that cannot be sent on (NaN, half a surrogate pair, a number beyond all
            bounds), or is nested too deeply or has too many parts to be read quickly.
    """
    text = content.decode("utf-8-sig")
    try:
        value: Any = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_whole_number,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise _too_deep() from None
    if text.count("{") + text.count("[") > _DEPTH:
        _check_size(value)
    if "\\ud" in text or "\\uD" in text:
        _check_text(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{twice!r:.80} occurs twice in one object")
    return made


def _number(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError(f"the number {text:.40} is too large")
    return value


def _whole_number(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"a number has {len(text):,} digits; {_DIGITS} are read")
    return int(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _check_size(value: Any) -> None:
    layer: list[Any] = [value]
    there = 0
    for _ in range(_DEPTH):
        layer = [
            each
            for container in layer
            for each in _values(container)
            if isinstance(each, dict | list)
        ]
        there += len(layer)
        if there > _CONTAINERS:
            raise ValueError(f"it has over {_CONTAINERS:,} objects and lists")
        if not layer:
            return
    raise _too_deep()


def _values(container: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", container).values() if isinstance(container, dict) else container


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {_DEPTH} deep")


def _check_text(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise ValueError(f"it holds {half!r}, which is half of a character") from None
