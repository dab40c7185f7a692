"""Every object works at every door: the table of `docs/composition.md`, held to be true.

The doors of `CaT` are tried here. The other doors of the table are held by the tests that
`ELSEWHERE` names.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.answers.extract import Extractor
from catsdk.core.ports import OnText
from catsdk.events import ResultReady
from catsdk.runtime import Wrapper
from catsdk.sampling import AdaptiveSampler
from catsdk.types import Completion, Request, Result
from tests.method.scripted import anchor, judge, policy

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "composition.md"
ELSEWHERE = {
    "catsdk eval": "tests/evaluate/test_evaluation.py",
    "TRL run": "tests/trainers/test_composed_rewards.py",
    "reward service": "tests/serve/test_composed_service.py",
}
"""Where the doors that are not tried here are tried."""

N = 8
ANSWERS = ("4", "4", "5", "4", "4", "4", "4", "4")


class Longest:
    async def estimate(self, group: cat.Group, ctx: cat.Context) -> cat.Reference:
        return ctx.reference(max(group.rollouts, key=lambda rollout: len(rollout.text)))


class Brief(cat.Reward):
    needs_reference = False

    async def score(
        self, group: cat.Group, reference: cat.Reference | None, ctx: cat.Context
    ) -> list[float | None]:
        return [float(len(rollout.text) < 500) for rollout in group.rollouts]


class Counting(Wrapper):
    """Counts the calls that come through it."""

    seen = 0

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        type(self).seen += 1
        return await self.wrapped.complete(request, on_text)


BY_LETTERS = cat.Answers(Extractor((("letters", lambda text: text[:2]),)))


def by_panel() -> cat.Reward:
    panel = cat.Panel(judge(name="a"), judge("no", name="b"), judge(name="c"))
    return cat.RubricReward(judge=panel) + 0.1 * cat.LengthPenalty(1)


def with_middleware() -> cat.CaT:
    Counting.seen = 0
    client = cat.Client(middleware=[*cat.default_middleware(), Counting])
    return cat.CaT(policy(ANSWERS), estimator=anchor(), client=client)


@dataclass(frozen=True)
class Row:
    """An object of the table: a CaT that has it, and what its result shows."""

    name: str
    make: Callable[[], cat.CaT] = field(repr=False)
    shows: Callable[[Result], bool] = field(repr=False)


def drawn(result: Result) -> int:
    return 0 if result.group is None else len(result.group.rollouts)


def method_of(result: Result) -> str:
    return "" if result.reference is None else result.reference.provenance.method


ROWS = [
    Row(
        "`Majority()`",
        lambda: cat.CaT(policy(ANSWERS), estimator=cat.Majority()),
        lambda result: (
            (method_of(result), result.answer, result.usage.requests) == ("majority", "4", 1)
        ),
    ),
    Row(
        "an estimator of your own",
        lambda: cat.CaT(policy(ANSWERS), estimator=Longest()),
        lambda result: (method_of(result), result.answer) == ("Longest", "4"),
    ),
    Row(
        "`RubricReward(judge=Panel(...)) + 0.1 * LengthPenalty(...)`",
        lambda: cat.CaT(policy(ANSWERS), estimator=anchor(), reward=by_panel()),
        lambda result: result.rewards == (0.9,) * N and len(result.rubrics) == 1,
    ),
    Row(
        "a reward of your own",
        lambda: cat.CaT(policy(ANSWERS), reward=Brief()),
        lambda result: result.rewards == (1.0,) * N and result.reference is None,
    ),
    Row(
        "`answers=`",
        lambda: cat.CaT(
            policy(ANSWERS), estimator=anchor(), reward=cat.AnswerReward(), answers=BY_LETTERS
        ),
        lambda result: (
            (result.answer, result.rewards) == ("it", (0.0,) * N)
            and result.reference is not None
            and (result.reference.majority, result.reference.disagrees) == ("so", True)
        ),
    ),
    Row(
        "middleware of your own",
        with_middleware,
        lambda result: Counting.seen == result.usage.requests == 2,
    ),
    Row(
        "`AdaptiveSampler(...)`",
        lambda: cat.CaT(
            AdaptiveSampler(cat.Sampler(policy(ANSWERS)), batch=2), estimator=cat.Majority()
        ),
        lambda result: result.answer == "4" and 4 <= drawn(result) < N,
    ),
]


async def by_run(c: cat.CaT) -> Result:
    return await c.run("2+2", N)


async def by_map(c: cat.CaT) -> Result:
    async with c:
        (result,) = [result async for result in c.map(["2+2"], N)]
    return result


async def by_stream(c: cat.CaT) -> Result:
    async with c:
        last = [event async for event in c.stream("2+2", N)][-1]
    assert isinstance(last, ResultReady)
    return last.result


DOORS: dict[str, Callable[[cat.CaT], Awaitable[Result]]] = {
    "run": by_run,
    "map": by_map,
    "stream": by_stream,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_object_works_at_the_door(row: Row, door: str) -> None:
    with anyio.fail_after(10):
        result = await DOORS[door](row.make())
    assert result.failure is None
    assert row.shows(result), result
    assert Result.model_validate_json(result.model_dump_json()) == result


def table() -> dict[str, dict[str, str]]:
    """The cells of the page's table: what it says of each object at each door."""
    text = PAGE.read_text(encoding="utf-8").partition("## Which object works where")[2]
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("|")]
    cells: list[list[str]] = [re.split(r"\s*\|\s*", line) for line in lines]
    doors = [door.strip("`").removeprefix("CaT.") for door in cells[0][1:]]
    return {row[0]: dict(zip(doors, row[1:], strict=True)) for row in cells[2:]}


def test_the_page_s_table_lists_the_objects_and_doors_that_are_tried() -> None:
    told = table()
    assert list(told) == [row.name for row in ROWS]
    for name, cells in told.items():
        assert list(cells) == [*DOORS, *ELSEWHERE], name
        assert {cells[door] for door in DOORS} == {"yes"}, name
        assert set(cells.values()) <= {"yes", "–"}, name


@pytest.mark.parametrize("door", ELSEWHERE)
def test_the_tests_of_the_other_doors_are_there(door: str) -> None:
    assert (ROOT / ELSEWHERE[door]).exists()


def test_each_object_of_the_table_can_be_printed() -> None:
    kinds: list[Any] = [row.make() for row in ROWS]
    assert all(repr(c).startswith("CaT(") and len(repr(c)) < 400 for c in kinds)
