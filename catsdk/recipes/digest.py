"""The digest of a method, which changes if and only if its behaviour can change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from catsdk.recipes.writing import Writer

__all__ = ["digest_of"]


def digest_of(parts: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    """What tells two methods apart: it changes if and only if what they do can change.

    Every argument counts, whether it was written or is at its default, and so do the shipped
    prompts. How calls are sent does not.

    Args:
        parts: The roles by name.
        defaults: The models `policy`, `anchor` and `judge` that roles without one take.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> from catsdk.estimators import Majority
        >>> from catsdk.recipes import digest_of
        >>> len(digest_of({"estimator": Majority()}, {"policy": "local"}))
        16
    """
    writer = Writer(whole=True, defaults=defaults)
    told = {name: writer.data(part) for name, part in parts.items()}
    return sha256(_canonical([told, _prompts()])).hexdigest()[:16]


@cache
def _prompts() -> str:
    """The digest of the shipped prompts."""
    told: list[tuple[str, str]] = []
    for folder in files("catsdk.prompts").iterdir():
        if folder.is_dir():
            told += [
                (f"{folder.name}/{f.name}", f.read_text("utf-8"))
                for f in folder.iterdir()
                if f.name.endswith(".md")
            ]
    return sha256(_canonical(sorted(told))).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True).encode()
