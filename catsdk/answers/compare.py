"""The verdict on a pair of answers: the bounded tiers, then the symbolic tier for what is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

import anyio
from anyio.lowlevel import RunVar, checkpoint

from catsdk.answers.engine.cache import VerdictCache
from catsdk.answers.engine.plain_numbers import quick
from catsdk.answers.options import DEFAULT, Options
from catsdk.answers.verdict import NOTHING, Verdict

__all__ = ["Symbolic", "SymbolicSync", "compare", "compare_sync", "is_same", "same"]

if TYPE_CHECKING:
    from catsdk.answers.engine.attempt import Pair
    from catsdk.answers.engine.tree import JsonTree

Attempt: TypeAlias = (
    "Callable[[str, str, Options, Mapping[Pair, bool | None]], tuple[Verdict, list[Pair]]]"
)
Settings: TypeAlias = Mapping[str, float]
Symbolic: TypeAlias = "Callable[[JsonTree, JsonTree, Settings], Awaitable[Verdict]]"
SymbolicSync: TypeAlias = "Callable[[JsonTree, JsonTree, Settings], Verdict]"

_MOST_QUESTIONS = 4
_REMEMBERED = VerdictCache()
_TURN: RunVar[anyio.Lock | None] = RunVar("catsdk.answers.turn")


def same(answer: str, reference: str, options: Options = DEFAULT) -> Verdict:
    r"""Compare two answers by the bounded tiers alone, in at most about 5 milliseconds.

    Equal and different do not depend on which of the two is the reference; the cause of an unknown
    verdict does.

    Args:
        answer: An answer.
        reference: Another one, or the known answer.
        options: What counts as the same.

    Returns:
        The verdict; unknown where only the symbolic tier could tell.

    Example:
        >>> from catsdk.answers import same
        >>> same(r"\frac{1}{2}", "0.5").outcome
        'equal'
    """
    return quick(answer, reference, options) or _first(answer, reference, options)[0]


def is_same(answer: str, reference: str, options: Options = DEFAULT) -> bool:
    """Tell whether the bounded tiers find two answers equal.

    Args:
        answer: An answer.
        reference: Another one, or the known answer.
        options: What counts as the same.

    Returns:
        Whether they are equal; an unknown verdict is no.

    Example:
        >>> from catsdk.answers import is_same
        >>> is_same("(x+1)^2", "x^2 + 2x + 1")
        True
    """
    return same(answer, reference, options).outcome == "equal"


def compare_sync(
    answer: str,
    reference: str,
    options: Options = DEFAULT,
    *,
    symbolic: SymbolicSync | None = None,
) -> Verdict:
    """Compare two answers by every tier.

    It may be called from any thread and blocks it for at most `options.seconds` a question.

    Args:
        answer: An answer.
        reference: Another one, or the known answer.
        options: What counts as the same.
        symbolic: Decides what the bounded tiers leave open; by default a pool of worker processes,
            which starts at the first question.

    Returns:
        The verdict; unknown, with the cause, where no tier can tell.

    Example:
        >>> from catsdk.answers import compare_sync
        >>> compare_sync("50 %", "1/2").equal
        True
    """
    if verdict := quick(answer, reference, options):
        return verdict
    decide = symbolic or _decide_sync
    steps = _steps(answer, reference, options, keep=symbolic is None)
    step = next(steps)
    while not isinstance(step, Verdict):
        step = steps.send(None if step is None else decide(*step, _settings(options)))
    return step


async def compare(
    answer: str,
    reference: str,
    options: Options = DEFAULT,
    *,
    symbolic: Symbolic | None = None,
) -> Verdict:
    """Do what `compare_sync` does without blocking the event loop."""
    if verdict := quick(answer, reference, options):
        return verdict
    decide = symbolic or _decide
    steps = _steps(answer, reference, options, keep=symbolic is None)
    step = next(steps)
    while not isinstance(step, Verdict):
        if step is not None:
            step = steps.send(await decide(*step, _settings(options)))
            continue
        # One pair in each turn of the loop: tasks that are ready run in the same turn, so that
        # many pairs would block the loop together.
        async with _turn():
            await checkpoint()
            step = steps.send(None)
    return step


def _turn() -> anyio.Lock:
    lock = _TURN.get(None)
    if lock is None:
        lock = anyio.Lock()
        _TURN.set(lock)
    return lock


def _decide_sync(first: JsonTree, second: JsonTree, settings: Settings) -> Verdict:
    from catsdk.answers.engine.symbolic import decide_sync

    return decide_sync(first, second, settings)


async def _decide(first: JsonTree, second: JsonTree, settings: Settings) -> Verdict:
    from catsdk.answers.engine.symbolic import decide

    return await decide(first, second, settings)


def _settings(options: Options) -> Settings:
    return {"seconds": options.seconds, "megabytes": options.megabytes}


def _steps(
    answer: str, reference: str, options: Options, *, keep: bool
) -> Generator[tuple[JsonTree, JsonTree] | Verdict | None, Verdict | None]:
    """Try, yield a pair of expressions that is open, take the verdict on it, and try again.

    `None` is yielded before each attempt, which is a piece of work, and the verdict on the answers
    at the end. What the own symbolic tier has decided is remembered (`keep`); the verdicts of the
    bounded tiers are already.
    """
    yield None
    verdict, pending = _first(answer, reference, options)
    seconds = verdict.seconds
    decided: dict[Pair, bool | None] = {}
    open_ruling: Verdict | None = None
    for question in range(_MOST_QUESTIONS):
        if question:
            yield None
            start = perf_counter()
            verdict, pending = _attempt(answer, reference, options, decided)
            seconds += perf_counter() - start
        pair = next((each for each in pending if each not in decided), None)
        if verdict.outcome != "unknown" or pair is None:
            break
        ruling = yield _as_json(pair)
        assert ruling is not None
        seconds += ruling.seconds
        decided[pair] = ruling.equal
        if ruling.equal is None:
            open_ruling = ruling
            if ruling.cause != "undecided":
                break
    unknown = verdict.outcome == "unknown"
    verdict = replace(open_ruling if open_ruling and unknown else verdict, seconds=seconds)
    if keep and verdict.tier == "symbolic":
        _REMEMBERED.put(answer, reference, options, verdict)
    yield verdict


def _as_json(pair: Pair) -> tuple[JsonTree, JsonTree]:
    from catsdk.answers.engine.tree import to_json

    return to_json(pair[0]), to_json(pair[1])


def _first(answer: str, reference: str, options: Options) -> tuple[Verdict, list[Pair]]:
    """Return the verdict of the bounded tiers, or what they remember, and what they leave open."""
    start = perf_counter()
    if remembered := _REMEMBERED.get(answer, reference, options):
        return _timed(remembered, start), []
    verdict, pending = _attempt(answer, reference, options, {})
    if verdict.outcome == "unknown" and answer.strip() == reference.strip():
        verdict = _same_text(verdict)
    _REMEMBERED.put(answer, reference, options, verdict)
    return _timed(verdict, start), pending


def _timed(verdict: Verdict, start: float) -> Verdict:
    seconds = perf_counter() - start
    return Verdict(verdict.outcome, verdict.tier, verdict.cause, verdict.detail, seconds)


def _attempt(
    answer: str, reference: str, options: Options, decided: Mapping[Pair, bool | None]
) -> tuple[Verdict, list[Pair]]:
    return _bounded_tiers()(answer, reference, options, decided)


@cache
def _bounded_tiers() -> Attempt:
    # The grammar and the arithmetic are loaded when they are first needed, not with catsdk.
    from catsdk.answers.engine.attempt import attempt

    return attempt


def _same_text(verdict: Verdict) -> Verdict:
    """Take one text for itself, whatever it says, unless it says nothing or has no value."""
    nothing = verdict.cause == "undefined" or verdict.detail == NOTHING
    return verdict if nothing else Verdict("equal", "text")
