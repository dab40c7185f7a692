"""Answers of different problems, which are never the same: those of ours, or of a file."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from catsdk.answers.compare import compare_sync, same
from catsdk.answers.options import DEFAULT

__all__ = ["Gold", "accepted", "golds_in", "our_golds", "same_although_unrelated"]

FOLDER = Path(__file__).parent
QUICK = replace(DEFAULT, seconds=1.0)
_FIELDS = ("answer", "gold", "final_answer")

# Kind and text of an answer.
Gold = tuple[str, str]


def our_golds() -> list[Gold]:
    """Return the answers of `golds.txt`."""
    lines = (FOLDER / "golds.txt").read_text(encoding="utf-8").splitlines()
    found = [line.split(": ", 1) for line in lines if line and not line.startswith("#")]
    return [(kind, text) for kind, text in found]


def golds_in(path: Path) -> list[Gold]:
    """Return the different answers in a JSONL file, which may be packed by gzip."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [str(row[field]) for row in rows for field in _FIELDS if field in row]
    return [(_kind(text), text) for text in dict.fromkeys(texts) if len(text) <= 300]


def accepted() -> set[frozenset[str]]:
    """Return the pairs of `coincidences.txt`."""
    pairs: set[frozenset[str]] = set()
    for line in (FOLDER / "coincidences.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pair, _, reason = line.rpartition(": ")
            assert reason, f"a coincidence without a reason: {line}"
            pairs.add(frozenset(pair.split(" ≡ ")))
    return pairs


def same_although_unrelated(
    golds: list[Gold], chance: random.Random, *, pairs: int | None = None, asked: int = 0
) -> Iterator[tuple[str, str]]:
    """Yield the pairs of different answers that come out equal and are not accepted.

    `pairs` of them are drawn, by default all are compared; of those that the bounded tiers leave
    open, `asked` are asked of the worker processes too.
    """
    listed = accepted()
    every = list(combinations([text for _, text in golds], 2))
    left_open: list[tuple[str, str]] = []
    for one, other in every if pairs is None else chance.sample(every, min(pairs, len(every))):
        outcomes = {same(one, other).outcome, same(other, one).outcome}
        if "equal" in outcomes and frozenset([one, other]) not in listed:
            yield one, other
        elif outcomes == {"unknown"}:
            left_open.append((one, other))
    for one, other in chance.sample(left_open, min(asked, len(left_open))):
        found = compare_sync(one, other, QUICK).outcome
        if found == "equal" and frozenset([one, other]) not in listed:
            yield one, other


def _kind(text: str) -> str:
    plain = text.lstrip("-").replace(",", "")
    return "number" if plain.replace(".", "", 1).isdigit() else "other"
