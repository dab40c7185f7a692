"""Fuzz the comparison of answers for minutes: no exception, no hang, and nothing to be gamed.

    make soak                 # with the other tests that take many minutes
    python -m tests.answers.soak --minutes 30 --seed 7
    python -m tests.answers.soak --golds problems.jsonl.gz

Five searches take turns. Answers are written by a random grammar, rewritten without changing their
value, damaged, or made of pieces in random order; each pair goes through the bounded tiers in both
orders. Answers of different problems are compared, those of `golds.txt` or of a file with a field
`answer`: none may be the same that is not listed in `coincidences.txt`. A grammar of cheats
rewrites them so that they are no longer asserted, and none may score. Completions that mark a value
and take it back, deny it or hold it in a larger formula must not have it as their answer.
Rewritings that keep the meaning must keep the verdict. Of the pairs that the bounded tiers leave
open, one in `--asked` goes to the worker processes. Each kind of failure is printed once with its
pair, and gives the status 1; the same seed gives the same pairs.
"""

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.pathological_answers import ANSWERS
from catsdk.answers.compare import compare_sync, same
from catsdk.answers.engine.parse.reading import read
from catsdk.answers.engine.tree import from_json, to_json
from catsdk.answers.extract import ANYWHERE
from catsdk.answers.options import DEFAULT
from catsdk.answers.verdict import Verdict
from tests.answers.extract.withdrawing import Withdrawn, withdrawn
from tests.answers.extract.withdrawing import scores as scores_withdrawn
from tests.answers.gaming import Cheat, cheats_on, scores, units_confused
from tests.answers.metamorphic import broken_properties
from tests.answers.unrelated import Gold, golds_in, our_golds, same_although_unrelated

__all__ = ["Failure", "check_pair", "main", "some_pair"]

R = TypeVar("R")

# CPU seconds of one call on a text of a few hundred characters; the aim is 0.005.
HANG_S = 0.1
# The first comparison loads the grammar and mpmath; no pair shall pay for it.
same(r"\sin 2x", r"2\sin x\cos x")
QUICK = replace(DEFAULT, seconds=0.5)

ATOMS = [
    "0",
    "1",
    "2",
    "3",
    "10",
    "0.5",
    "\\frac{1}{3}",
    "x",
    "y",
    "n",
    "\\pi",
    "e",
    "i",
    "0.\\overline{3}",
]
UNARY = [
    "-{}", "\\sqrt{{{}}}", "\\sqrt[3]{{{}}}", "({})", "\\left({}\\right)", "\\sin({})", "\\ln({})",
    "|{}|", "{}!", "{}^2", "{}^{{-1}}", "\\lfloor {} \\rfloor", "{}\\%", "e^{{{}}}", "f({})",
]  # fmt: skip
BINARY = [
    "{}+{}", "{}-{}", "{}{}", "{} \\cdot {}", "{}/{}", "\\frac{{{}}}{{{}}}", "{}^{{{}}}",
    "\\log_{{{}}}({})", "\\binom{{{}}}{{{}}}", "{} \\pm {}", "\\int_0^{} {} dx",
    "\\sum_{{k=1}}^{{{}}} {}", "{} \\mod {}",
]  # fmt: skip
OUTER = [
    "{}, {}", "({}, {})", "[{}, {})", "\\{{{}, {}\\}}", "{} = {}", "x > {}, y < {}",
    "{} \\le x < {}", "{} \\cup {}", "\\begin{{pmatrix}}{}&{}\\end{{pmatrix}}", "{}:{}", "{} or {}",
]  # fmt: skip
DRESS = [
    "{}", "${}$", "\\boxed{{{}}}", "x = {}", "{} cm", "\\${}", "{}^\\circ", "The answer is {}.",
    "\\text{{{}}}", "**{}**", "{}\\text{{ meters}}", "\\({}\\)", "{}.", " {} ",
]  # fmt: skip
PIECES = [
    *"0123456789+-*/^_=<>!()[]{}|,.;:'\"$%&~# \n\\abefxyz", "\\frac", "\\sqrt", "\\left", "\\right",
    "\\text", "\\boxed{", "\\cdot", "\\pi", "\\infty", "\\int", "\\sum", "\\begin{pmatrix}",
    "\\end{pmatrix}", "\\\\", "\\{", "\\}", "\\pm", "\\%", "\\$", "\\circ", "10^", "e^", "\u221a",
    "\u03c0", "\u2212", "\u00d7", "\u00bd", "\u00b2", "\ud800", "\x00", "__import__('os')",
]  # fmt: skip


class Failure(AssertionError):
    """A property, named `kind`, does not hold for a pair."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail)
        self.kind = kind


def expression(chance: random.Random, depth: int = 3) -> str:
    """Write a random expression."""
    if depth == 0 or chance.random() < 0.25:
        return chance.choice(ATOMS)
    if chance.random() < 0.4:
        return chance.choice(UNARY).format(expression(chance, depth - 1))
    parts = (expression(chance, depth - 1), expression(chance, depth - 1))
    return chance.choice(BINARY).format(*parts)


def written(chance: random.Random) -> str:
    """Write an answer: one or two expressions, dressed as models do."""
    inner = expression(chance, chance.randrange(4))
    if chance.random() < 0.3:
        inner = chance.choice(OUTER).format(inner, expression(chance, 1))
    return chance.choice(DRESS).format(inner)


def rewritten(chance: random.Random, text: str) -> str:
    """Write the same value in another way."""
    return chance.choice(["({})+0", "1 \\cdot ({})", "\\frac{{{}}}{{1}}", "{}", "0+{}"]).format(
        text
    )


def damaged(chance: random.Random, text: str) -> str:
    """Delete, double, move or replace pieces of a text."""
    characters = list(text)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(characters) + 1)
        to = min(len(characters), at + chance.randrange(1, 6))
        piece = characters[at:to]
        characters[at:to] = chance.choice([[], piece * 2, piece[::-1], [chance.choice(PIECES)]])
    return "".join(characters)


def soup(chance: random.Random) -> str:
    """Put pieces in random order."""
    return "".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 40)))


def some_pair(chance: random.Random) -> tuple[str, str]:
    """Return two answers that may have to do with each other."""
    kind = chance.random()
    if kind < 0.05:
        _, gold, pred = chance.choice(ANSWERS)
        return (gold, pred) if chance.random() < 0.3 else (gold, damaged(chance, pred[:2_000]))
    one = soup(chance) if kind < 0.25 else written(chance)
    other = [
        lambda: written(chance),
        lambda: rewritten(chance, one),
        lambda: damaged(chance, one),
        lambda: one,
        lambda: soup(chance),
    ]
    return one, chance.choice(other)()


def check_pair(one: str, other: str, *, ask: bool) -> Verdict:
    """Check every property of a pair; raises `Failure`, or what the code under test raises."""
    for text in (one, other):
        _timed("extract", ANYWHERE.extract, text)
        node = _timed("read", read, text).node
        if node is not None and from_json(to_json(node)) != node:
            raise Failure("another tree after JSON", str(node)[:500])
        itself = _timed("compare with itself", same, text, text)
        if itself.outcome == "different":
            raise Failure("different from itself", repr(text))
    there, back = _timed("compare", same, one, other), _timed("compare", same, other, one)
    if there.outcome != back.outcome:
        raise Failure(f"{there.outcome} in one order, {back.outcome} in the other")
    if ask and there.outcome == "unknown":
        there, back = compare_sync(one, other, QUICK), compare_sync(other, one, QUICK)
        if {there.outcome, back.outcome} == {"equal", "different"}:
            raise Failure("the workers contradict themselves")
    return there


def check_cheat(chance: random.Random, cheats: Iterator[Cheat], *, ask: bool) -> str:
    """Check that one cheat does not score; return its family."""
    cheat = next(cheats) if chance.random() < 0.95 else units_confused(chance)
    if scores(cheat, ask=ask):
        raise Failure(f"a cheat scores: {cheat.family}", f"{cheat.text!r} as {cheat.gold!r}")
    return cheat.family


def check_withdrawn(completions: Iterator[Withdrawn]) -> None:
    """Check that a completion that does not mean a value has another answer, or none."""
    cheat = next(completions)
    if scores_withdrawn(cheat):
        raise Failure(
            f"a withdrawn answer scores: {cheat.family}", f"{cheat.text!r}: {cheat.value}"
        )


def check_unrelated(golds: list[Gold], chance: random.Random, *, ask: bool) -> None:
    """Check that twenty pairs of unrelated answers are not the same."""
    for one, other in same_although_unrelated(golds, chance, pairs=20, asked=int(ask)):
        raise Failure(f"unrelated answers are the same: {one!r}", f"{one!r} and {other!r}")


def check_rewritings(golds: list[Gold], chance: random.Random) -> None:
    """Check that the verdict keeps under rewritings of an answer."""
    for broken in broken_properties(golds, chance, 1):
        raise Failure("a rewriting changes the verdict", broken)


def _timed(what: str, function: Callable[..., R], *arguments: str) -> R:
    spent = 0.0
    for _ in range(2):  # a collection of garbage may fall into one of them
        start = time.thread_time()
        result = function(*arguments)
        spent = time.thread_time() - start
        if spent <= HANG_S:
            return result
    raise Failure(f"{what} takes too long", f"{spent:.1f} s")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _place(error: Exception) -> str:
    """Name a failure by its kind and place, so that each is told once."""
    if isinstance(error, Failure):
        return error.kind
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.filename}:{frame.lineno}"


def main() -> int:
    """Fuzz until the time is over; return 1 after a failure."""
    parser = argparse.ArgumentParser(description="Fuzz the comparison of answers")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--asked", type=int, default=5, help="one open pair in so many is asked")
    parser.add_argument("--golds", type=Path, help="JSONL file of answers, beside those of ours")
    asked = parser.parse_args()
    seed = random.randrange(1 << 32) if asked.seed is None else asked.seed
    chance, end = random.Random(seed), time.monotonic() + 60 * asked.minutes
    golds = golds_in(asked.golds) if asked.golds else our_golds()
    found, failures = Counter[str](), Counter[str]()
    _say(f"seed {seed}")
    cheats = cheats_on(our_golds() + golds if asked.golds else golds, chance)
    completions = withdrawn(chance)
    while time.monotonic() < end:
        try:
            ask = chance.randrange(asked.asked) == 0
            found[_search(chance, golds, cheats, completions, ask=ask)] += 1
        except Exception as error:  # noqa: BLE001, each is a failure to report
            failures[place := _place(error)] += 1
            if failures[place] == 1:
                _say(f"\n{place}: {error}")
    _say(f"{found.total():,} checks: {dict(found.most_common())}; failures: {dict(failures)}")
    return 1 if failures else 0


def _search(
    chance: random.Random,
    golds: list[Gold],
    cheats: Iterator[Cheat],
    completions: Iterator[Withdrawn],
    *,
    ask: bool,
) -> str:
    """Take one step of one of the five searches; return what it did."""
    match chance.randrange(5):
        case 0:
            one, other = some_pair(chance)
            try:
                return check_pair(one, other, ask=ask).outcome
            except Failure as failure:
                raise Failure(failure.kind, f"{failure}\n  {one!r}\n  {other!r}") from failure
        case 1:
            return check_cheat(chance, cheats, ask=ask)
        case 2:
            check_unrelated(golds, chance, ask=ask)
            return "unrelated"
        case 3:
            check_withdrawn(completions)
            return "withdrawn"
        case _:
            check_rewritings(golds, chance)
            return "rewritten"


if __name__ == "__main__":
    sys.exit(main())
