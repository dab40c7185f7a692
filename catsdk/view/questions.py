"""Answers to the requests of the pages, as data, for the server and for an exported page alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catsdk.core.errors import InvalidInputError
from catsdk.view.entry import Entry, Made
from catsdk.view.filters import FILTERS
from catsdk.view.labels import labels_in
from catsdk.view.library import Held, Library
from catsdk.view.queries import PAGE, Asked, contenders, counts, neighbours, page
from catsdk.view.shown.clusters import clusters_of
from catsdk.view.shown.comparison import Side, compared
from catsdk.view.shown.money import LOOKED_AT, money_of
from catsdk.view.shown.support import support_of
from catsdk.view.shown.training import curves_of, steps_of
from catsdk.view.shown.verdicts import matrices_of

__all__ = ["QUESTIONS", "Given", "StillLookingError", "answer", "as_text"]

Given = Mapping[str, str]
Told = dict[str, Any]


class StillLookingError(Exception):
    """The requested run may still be found: the first scan has not ended."""


def _runs(library: Library, given: Given) -> Told:
    del given
    rows = [_row(library, name, held) for name, held in list(library.runs.items())]
    return {"root": str(library.root), "runs": rows, "ready": library.looked}


def _run(library: Library, given: Given) -> Told:
    name, held = _held(library, given)
    about = held.about
    return {
        **_row(library, name, held),
        "contenders": contenders(library.index, name),
        "filters": {each: found.words for each, found in FILTERS.items()},
        "settings": about.settings,
        "report": about.report,
    }


def _items(library: Library, given: Given) -> Told:
    name, _ = _held(library, given)
    asked = _asked(library, name, given)
    total, passing = counts(library.index, asked)
    return {
        "rows": page(library.index, asked),
        "total": total,
        "offset": asked.offset,
        "page": PAGE,
        "contender": asked.contender,
        "counts": passing,
    }


def _item(library: Library, given: Given) -> Told:
    name, _ = _held(library, given)
    id = given.get("id", "")
    entry = library.entry(name, id)
    if entry is None:
        raise LookupError(f"there is no item {id!r:.80} in {name!r:.80}")
    asked = _asked(library, name, given)
    made = _chosen(entry, asked.contender)
    reference = made.reference.text if made is not None and made.reference is not None else ""
    labels = labels_in(library.runs[name].run.path)
    rollouts = entry.group.rollouts if entry.group else ()
    if made is not None and made.size:
        rollouts = rollouts[: made.size]
    return {
        "run": name,
        "entry": entry.as_json(),
        "contender": "" if made is None else made.contender,
        "made": None if made is None else made.model_dump(mode="json"),
        "clusters": clusters_of(entry, made),
        "support": support_of(reference, rollouts),
        "matrices": matrices_of(entry),
        "labels": [each.model_dump(mode="json") for each in labels if each.item == id],
        "list": neighbours(library.index, asked, id),
    }


def _compare(library: Library, given: Given) -> Told:
    sides: list[Side] = []
    for side in ("left", "right"):
        name, _ = _held(library, {"run": given.get(side, "")})
        there = contenders(library.index, name)
        wanted = given.get(f"{side}_by", "")
        sides.append(Side(name, wanted if wanted in there else (there[0] if there else "")))
    left, right = sides
    if left == right:
        others = [c for c in contenders(library.index, right.run) if c != left.contender]
        right = Side(right.run, others[0] if others else right.contender)
    told = compared(
        library.index, left, right, show=given.get("show", "flips"), offset=_number(given, "offset")
    )
    return {
        **told,
        "left": {"run": left.run, "contender": left.contender},
        "right": {"run": right.run, "contender": right.contender},
        "left_choices": contenders(library.index, left.run),
        "right_choices": contenders(library.index, right.run),
    }


def _training(library: Library, given: Given) -> Told:
    name, held = _held(library, given)
    return {
        "curves": curves_of(held.about.history),
        "steps": steps_of(library.index, name),
        "alarms": list(held.about.alarms),
    }


def _money(library: Library, given: Given) -> Told:
    name, held = _held(library, given)
    rows = library.index.ask(
        "SELECT id FROM item WHERE run = ? ORDER BY row LIMIT ?", [name, LOOKED_AT]
    )
    entries = (library.entry(name, row["id"]) for row in rows)
    usage = held.about.usage
    return {
        **money_of(entry for entry in entries if entry is not None),
        "total_items": held.sums(library.index, name)["items"],
        "usage": None if usage is None else usage.model_dump(mode="json"),
        "points": (held.about.report or {}).get("points", []),
        "estimate": held.about.estimate,
    }


QUESTIONS = {
    "runs": _runs,
    "run": _run,
    "items": _items,
    "item": _item,
    "compare": _compare,
    "training": _training,
    "money": _money,
}
"""The functions that answer requests, by name."""


def answer(library: Library, question: str, given: Given) -> Told:
    """Answer a request of a page.

    Args:
        library: The runs.
        question: One of `QUESTIONS`.
        given: The parameters, as in the address.

    Raises:
        LookupError: there is no such question, run or item.
        StillLookingError: there is no such run yet.
        InvalidInputError: a filter, an order or a number is invalid.
    """
    if question not in QUESTIONS:
        raise LookupError(f"there is no question {question!r:.40}")
    return QUESTIONS[question](library, given)


def _held(library: Library, given: Given) -> tuple[str, Held]:
    name = given.get("run", "")
    if name not in library.runs:
        if not library.looked:
            raise StillLookingError(f"still looking for runs in {library.root}")
        raise LookupError(f"there is no run {name!r:.80} in {library.root}")
    return name, library.runs[name]


def _row(library: Library, name: str, held: Held) -> Told:
    about = held.about
    sums = held.sums(library.index, name)
    usage = about.usage
    cost = sums["cost"] if not sums["unpriced"] else None
    return {
        "run": name,
        "kind": about.kind,
        "title": about.title,
        "data": about.data,
        "running": about.running,
        "indexed": held.indexed,
        "expected": held.expected,
        "changed": held.changed,
        "models": about.models,
        "items": sums["items"],
        "rollouts": sums["rollouts"] or 0,
        "failed": sums["failed"] or 0,
        "failed_rollouts": sums["failed_rollouts"] or 0,
        "unrewarded": sums["unrewarded"] or 0,
        "agreement": sums["agreement"],
        "reward": sums["reward"],
        "tokens": usage.tokens if usage is not None else sums["tokens"] or None,
        "requests": None if usage is None else usage.requests,
        "cost": usage.cost if usage is not None else cost if sums["tokens"] else None,
        "scores": _scores(about.report),
        "problems": list(about.problems),
    }


def _scores(report: Mapping[str, Any] | None) -> list[Told]:
    """Each estimator's score and interval at the largest size in a report."""
    points: list[dict[str, Any]] = (report or {}).get("points") or []
    largest = max((point["size"] for point in points), default=0)
    return [
        {
            "estimator": point["estimator"],
            "size": point["size"],
            "score": point["score"],
            "control": point.get("control"),
        }
        for point in points
        if point["size"] == largest and point["score"] is not None
    ]


def _asked(library: Library, name: str, given: Given) -> Asked:
    there = contenders(library.index, name)
    wanted = given.get("by", "")
    step = given.get("step", "")
    return Asked(
        name,
        contender=wanted if wanted in there else (there[0] if there else ""),
        filters=tuple(each for each in given.get("filter", "").split(",") if each),
        search=given.get("q", ""),
        order=given.get("sort") or "order",
        descending=given.get("way", "") == "down",
        step=_number(given, "step") if step else None,
        offset=_number(given, "offset"),
    )


def _number(given: Given, name: str) -> int:
    text = given.get(name) or "0"
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInputError(f"{name} is {text!r:.40}; give a whole number")
    return int(text)


def _chosen(entry: Entry, contender: str) -> Made | None:
    named = {made.contender: made for made in entry.made}
    return named.get(contender) or next(iter(named.values()), None)


def as_text(told: Told) -> str:
    """An answer as JSON, with null for numbers that JSON does not have.

    Args:
        told: The answer.
    """
    return json.dumps(_finite(told), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value
