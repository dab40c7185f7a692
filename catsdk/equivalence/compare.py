"""The verdict on a pair of answers: the bounded tiers, then the symbolic tier for what is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

import anyio
from anyio.lowlevel import RunVar, checkpoint

from catsdk.equivalence.cache import VerdictCache
from catsdk.equivalence.options import DEFAULT, Options
from catsdk.equivalence.verdict import Verdict

__all__ = ["Symbolic", "SymbolicSync", "compare", "compare_sync", "is_same", "same"]

if TYPE_CHECKING:
    from catsdk.equivalence.attempt import Pair
    from catsdk.equivalence.tree import JsonTree

Settings: TypeAlias = Mapping[str, float]
Symbolic: TypeAlias = "Callable[[JsonTree, JsonTree, Settings], Awaitable[Verdict]]"
SymbolicSync: TypeAlias = "Callable[[JsonTree, JsonTree, Settings], Verdict]"

_MOST_QUESTIONS = 4
_REMEMBERED = VerdictCache()
_TURN: RunVar[anyio.Lock | None] = RunVar("catsdk.equivalence.turn")


def same(answer: str, reference: str, options: Options = DEFAULT) -> Verdict:
    """Compare two answers by the bounded tiers alone, in at most about 5 milliseconds.

    Equal and different do not depend on which of the two is the reference; the cause of an
    unknown verdict does.
    """
    start = perf_counter()
    if remembered := _REMEMBERED.get(answer, reference, options):
        return replace(remembered, seconds=perf_counter() - start)
    verdict, _ = _attempt(answer, reference, options, {})
    if verdict.outcome == "unknown" and answer.strip() == reference.strip():
        verdict = _same_text(verdict)
    _REMEMBERED.put(answer, reference, options, verdict)
    return replace(verdict, seconds=perf_counter() - start)


def is_same(answer: str, reference: str, options: Options = DEFAULT) -> bool:
    """Tell whether the bounded tiers find two answers equal; an unknown verdict is no."""
    return same(answer, reference, options).outcome == "equal"


def compare_sync(
    answer: str,
    reference: str,
    options: Options = DEFAULT,
    *,
    symbolic: SymbolicSync | None = None,
) -> Verdict:
    """Compare two answers; what the bounded tiers leave open is asked of `symbolic`.

    By default that is a pool of worker processes, which starts at the first question. It may be
    called from any thread and blocks it for at most `options.seconds` a question.
    """
    steps = _steps(answer, reference, options, same(answer, reference, options))
    try:
        left, right = next(steps)
        while True:
            decide = symbolic or _default_sync()
            left, right = steps.send(decide(left, right, _settings(options)))
    except StopIteration as end:
        final: Verdict = end.value
        if symbolic is None:
            _REMEMBERED.put(answer, reference, options, final)
        return final


async def compare(
    answer: str,
    reference: str,
    options: Options = DEFAULT,
    *,
    symbolic: Symbolic | None = None,
) -> Verdict:
    """Do what `compare_sync` does without blocking the event loop."""
    verdict = await _in_turn(answer, reference, options)
    steps = _steps(answer, reference, options, verdict)
    try:
        left, right = next(steps)
        while True:
            decide = symbolic or _default()
            left, right = steps.send(await decide(left, right, _settings(options)))
    except StopIteration as end:
        final: Verdict = end.value
        if symbolic is None:
            _REMEMBERED.put(answer, reference, options, final)
        return final


async def _in_turn(answer: str, reference: str, options: Options) -> Verdict:
    """Compare by the bounded tiers, one pair in each turn of the event loop.

    Tasks that are ready run in the same turn, so that many pairs would block the loop together.
    """
    lock = _TURN.get(None)
    if lock is None:
        lock = anyio.Lock()
        _TURN.set(lock)
    async with lock:
        await checkpoint()
        return same(answer, reference, options)


def _default_sync() -> SymbolicSync:
    from catsdk.equivalence.symbolic import decide_sync

    return decide_sync


def _default() -> Symbolic:
    from catsdk.equivalence.symbolic import decide

    return decide


def _settings(options: Options) -> Settings:
    return {"seconds": options.seconds, "megabytes": options.megabytes}


def _steps(
    answer: str, reference: str, options: Options, verdict: Verdict
) -> Generator[tuple[JsonTree, JsonTree], Verdict, Verdict]:
    """Try, yield a pair of expressions that is open, take the verdict on it, and try again."""
    if verdict.outcome != "unknown" or verdict.cause not in ("undecided", "limit"):
        return verdict
    from catsdk.equivalence.tree import to_json

    decided: dict[Pair, bool | None] = {}
    open_ruling: Verdict | None = None
    seconds = verdict.seconds
    for _ in range(_MOST_QUESTIONS):
        start = perf_counter()
        verdict, pending = _attempt(answer, reference, options, decided)
        seconds += perf_counter() - start
        pair = next((each for each in pending if each not in decided), None)
        if verdict.outcome != "unknown" or pair is None:
            break
        ruling = yield to_json(pair[0]), to_json(pair[1])
        seconds += ruling.seconds
        decided[pair] = ruling.equal
        if ruling.equal is None:
            open_ruling = ruling
            if ruling.cause != "undecided":
                break
    unknown = verdict.outcome == "unknown"
    return replace(open_ruling if open_ruling and unknown else verdict, seconds=seconds)


def _attempt(
    answer: str, reference: str, options: Options, decided: Mapping[Pair, bool | None]
) -> tuple[Verdict, list[Pair]]:
    # The grammar and the arithmetic are loaded when they are first needed, not with catsdk.
    from catsdk.equivalence.attempt import attempt

    return attempt(answer, reference, options, decided)


def _same_text(verdict: Verdict) -> Verdict:
    """Take one text for itself, whatever it says, unless it is known to have no value."""
    return verdict if verdict.cause == "undefined" else Verdict("equal", "text")
