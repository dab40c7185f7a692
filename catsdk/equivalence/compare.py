"""The verdict on a pair of answers: the bounded tiers, then the symbolic tier for what is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TypeAlias

from catsdk.equivalence.limits import Budget, LimitReachedError, UndecidedError
from catsdk.equivalence.options import DEFAULT, Options
from catsdk.equivalence.parse.reading import Reading, read
from catsdk.equivalence.structure.comparison import Comparison, Pair
from catsdk.equivalence.structure.expressions import same_expression
from catsdk.equivalence.tree import Items, JsonTree, Node, Number, to_json
from catsdk.equivalence.verdict import Cause, Verdict

__all__ = ["Symbolic", "SymbolicSync", "compare", "compare_sync", "same"]

Settings: TypeAlias = Mapping[str, float]
Symbolic: TypeAlias = Callable[[JsonTree, JsonTree, Settings], Awaitable[Verdict]]
SymbolicSync: TypeAlias = Callable[[JsonTree, JsonTree, Settings], Verdict]

_MOST_QUESTIONS = 4


def same(answer: str, reference: str, options: Options = DEFAULT) -> Verdict:
    """Compare two answers by the bounded tiers alone, in at most about 5 milliseconds.

    Equal and different do not depend on which of the two is the reference; the cause of an
    unknown verdict does.
    """
    start = perf_counter()
    verdict, _ = _attempt(read(answer), read(reference), options, {})
    if verdict.outcome == "unknown" and answer.strip() == reference.strip():
        verdict = _same_text(verdict)
    return replace(verdict, seconds=perf_counter() - start)


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
    steps = _steps(answer, reference, options)
    try:
        left, right = next(steps)
        while True:
            decide = symbolic or _default_sync()
            left, right = steps.send(decide(left, right, _settings(options)))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


async def compare(
    answer: str,
    reference: str,
    options: Options = DEFAULT,
    *,
    symbolic: Symbolic | None = None,
) -> Verdict:
    """Do what `compare_sync` does without blocking the event loop."""
    steps = _steps(answer, reference, options)
    try:
        left, right = next(steps)
        while True:
            decide = symbolic or _default()
            left, right = steps.send(await decide(left, right, _settings(options)))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


def _default_sync() -> SymbolicSync:
    from catsdk.equivalence.symbolic import decide_sync

    return decide_sync


def _default() -> Symbolic:
    from catsdk.equivalence.symbolic import decide

    return decide


def _settings(options: Options) -> Settings:
    return {"seconds": options.seconds, "megabytes": options.megabytes}


def _steps(
    answer: str, reference: str, options: Options
) -> Generator[tuple[JsonTree, JsonTree], Verdict, Verdict]:
    """Try, yield a pair of expressions that is open, take the verdict on it, and try again."""
    verdict = same(answer, reference, options)
    if verdict.outcome != "unknown" or verdict.cause not in ("undecided", "limit"):
        return verdict
    decided: dict[Pair, bool | None] = {}
    seconds = verdict.seconds
    for _ in range(_MOST_QUESTIONS):
        start = perf_counter()
        verdict, pending = _attempt(read(answer), read(reference), options, decided)
        seconds += perf_counter() - start
        pair = next((each for each in pending if each not in decided), None)
        if verdict.outcome != "unknown" or pair is None:
            break
        ruling = yield to_json(pair[0]), to_json(pair[1])
        seconds += ruling.seconds
        decided[pair] = ruling.equal
        if ruling.equal is None:
            return replace(ruling, seconds=seconds)
    return replace(verdict, seconds=seconds)


def _same_text(verdict: Verdict) -> Verdict:
    """Take one text for itself, whatever it says, unless it is known to have no value."""
    return verdict if verdict.cause == "undefined" else Verdict("equal", "text")


def _attempt(
    first: Reading, second: Reading, options: Options, decided: Mapping[Pair, bool | None]
) -> tuple[Verdict, list[Pair]]:
    if first.node is None or second.node is None:
        return _unread(first, second), []
    comparison = Comparison(options, Budget(), decided)
    try:
        found = _numbers(first.node, second.node, comparison)
        if found is None:
            found = _readings(first, second, comparison)
    except LimitReachedError as error:
        return Verdict("unknown", cause="limit", detail=str(error)), comparison.pending
    except UndecidedError as error:
        return Verdict("unknown", cause="undecided", detail=str(error)), comparison.pending
    except RecursionError:
        return Verdict("unknown", cause="limit", detail="nested too deeply"), comparison.pending
    if found is None:
        cause: Cause = comparison.cause or "undecided"
        return Verdict("unknown", cause=cause, detail=comparison.detail), comparison.pending
    return Verdict("equal" if found else "different", comparison.tier), []


def _numbers(left: Node, right: Node, comparison: Comparison) -> bool | None:
    """Compare what most answers are, two numbers, without looking for structure."""
    if not (isinstance(left, Number) and isinstance(right, Number)):
        return None
    comparison.tier = "exact"
    return same_expression(left, right, comparison.options, comparison.budget).equal


def _readings(first: Reading, second: Reading, comparison: Comparison) -> bool | None:
    left, right = first.node, second.node
    assert left is not None
    assert right is not None
    if first.letters is not None and first.letters == second.letters:
        return True
    found = comparison.same(left, right)
    if found is False and comparison.options.decimal_comma:
        for other, node in ((first.other, right), (second.other, left)):
            if other is not None and _fits(other, node) and comparison.same(other, node):
                return True
    return found


def _fits(other: Node, node: Node) -> bool:
    """Tell whether a second reading may count: a list against a list, a number against none."""
    return isinstance(other, Items) == isinstance(node, Items)


def _unread(first: Reading, second: Reading) -> Verdict:
    failed = second if second.node is None else first
    cause = failed.cause
    if failed is second and cause == "unparseable":
        cause = "reference unparseable"
    return Verdict("unknown", cause=cause, detail=failed.detail)
