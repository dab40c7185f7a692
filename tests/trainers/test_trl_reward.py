"""GroupReward scores whole groups at once, on its own loop, and invents no reward."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.types import Failure, Group, Score
from catsdk.sampling.sampler import group_of
from catsdk_trainers.controls import GoldScorer
from catsdk_trainers.scoring import GroupScore, GroupScorer, Row, cat_scorer, unscored
from catsdk_trainers.shaping import PenalisingScorer
from catsdk_trainers.trl_reward import GroupReward, ScoringFailedError

pytestmark = pytest.mark.needs_torch

ROWS: dict[str, Any] = {
    "prompts": ["1+1"] * 2 + ["2+2"] * 2,
    "completions": ["\\boxed{2}", "\\boxed{3}", "\\boxed{4}", "\\boxed{4}"],
    "answer": ["2", "2", "4", "4"],
}


def opens(scorer: GroupScorer) -> Callable[[], AbstractAsyncContextManager[GroupScorer]]:
    @asynccontextmanager
    async def open_scorer() -> AsyncGenerator[GroupScorer]:
        yield scorer

    return open_scorer


class Meets:
    """Scores a group only when two groups are being scored."""

    def __init__(self) -> None:
        self.arrived, self.both = 0, anyio.Event()

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        self.arrived += 1
        if self.arrived == 2:
            self.both.set()
        await self.both.wait()
        return GroupScore(group, tuple(Score(index=r.index, value=1.0) for r in group.rollouts))


class Fails:
    """Scores nothing: hangs on the prompt that it is told to, and fails on the others."""

    def __init__(self, hangs_on: str = "") -> None:
        self.hangs_on = hangs_on

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        if group.question == self.hangs_on:
            await anyio.sleep_forever()
        return unscored(group, Failure(kind="ServerError", message="the anchor is down"))


def test_rewards_come_in_the_order_of_the_rows() -> None:
    reward = GroupReward(opens(GoldScorer()), 2)
    assert reward(**ROWS) == [1.0, 0.0, 1.0, 1.0]
    reward.close()
    assert reward(**ROWS) == [1.0, 0.0, 1.0, 1.0]
    reward.close()


def test_where_one_group_comes_after_another_so_many_of_them_are_a_step() -> None:
    made = GroupReward(opens(Fails()), 2, abort_after=2, step_groups=3)
    # As it goes to the process of a rollout worker.
    failures = pickle.loads(pickle.dumps(made._failures))
    failed = [unscored(group_of("q", ["1"]), Failure(kind="ServerError", message="down"))]
    for _ in range(5):
        failures.after(failed)
    with pytest.raises(ScoringFailedError, match="100% of 3 groups .* 2 steps in a row: .*down"):
        failures.after(failed)


def test_without_a_trainer_completions_of_the_given_length_count_as_cut_short() -> None:
    scorer = PenalisingScorer(GoldScorer(), truncated=-0.5)
    reward = GroupReward(opens(scorer), 2, max_tokens=3)
    ids = [[1, 2], [1, 2], [1, 2, 3], [1]]
    assert reward(**ROWS, completion_ids=ids) == [1.0, 0.0, 0.5, 1.0]
    reward.close()


def test_groups_are_scored_at_once() -> None:
    reward = GroupReward(opens(Meets()), 2, deadline=30.0)
    assert reward(**ROWS) == [1.0] * 4
    reward.close()


def test_a_group_that_hangs_has_no_reward_and_the_other_keeps_its_own() -> None:
    class Mixed(Fails):
        async def score_group(self, group: Group, row: Row) -> GroupScore:
            if group.question == self.hangs_on:
                await anyio.sleep_forever()
            return await GoldScorer().score_group(group, row)

    told: dict[str, list[Any]] = {}
    reward = GroupReward(opens(Mixed(hangs_on="2+2")), 2, deadline=0.2)
    assert reward(**ROWS, log_extra=told.__setitem__) == [1.0, 0.0, None, None]
    assert told["no_reward_because"][:2] == ["", ""]
    assert "not scored within 0.2 s" in told["no_reward_because"][2]
    reward.close()


def test_training_stops_when_too_many_groups_failed_for_too_long() -> None:
    reward = GroupReward(opens(Fails()), 2, abort_after=3)
    assert reward(**ROWS) == reward(**ROWS) == [None] * 4
    with pytest.raises(ScoringFailedError, match=r"100% of 2 groups.*3 steps.*anchor is down"):
        reward(**ROWS)
    reward.close()


def test_the_same_columns_and_the_metrics_are_logged_each_time() -> None:
    columns: list[list[str]] = []
    metrics: dict[str, float] = {}
    for scorer in (GoldScorer(), Fails()):
        told: dict[str, list[Any]] = {}
        reward = GroupReward(opens(scorer), 2)
        reward(
            **ROWS,
            trainer_state=None,
            log_extra=told.__setitem__,
            log_metric=metrics.__setitem__,
        )
        reward.close()
        columns.append(sorted(told))
        assert all(len(values) == 4 for values in told.values())
    assert columns[0] == columns[1]
    assert (metrics["cat/scored"], metrics["cat/zero_variance"]) == (0.0, 0.5)


def test_it_can_be_pickled_also_when_it_was_used() -> None:
    right = (
        "c7: 3+1=4\nc6: 7+5=12\nc5: 6+8+1=15\nc4: 1+7+1=9\nc3: 2+4=6\nc2: 8+9=17\n"
        "c1: 4+3+1=8\n\\boxed{8769524}"
    )
    rows = ["4821673+3947851"] * 2, [right, right]
    # Greedy: a sampled answer of the anchor would now and then have no box.
    open_scorer = partial(cat_scorer, "local", sampling=Sampling(temperature=0.0, max_tokens=128))
    reward = GroupReward(open_scorer, 2, name="cat_local")
    assert reward(*rows) == [1.0, 1.0]
    copy = pickle.loads(pickle.dumps(reward))
    assert (copy.__name__, copy.num_generations) == ("cat_local", 2)
    assert copy(*rows) == [1.0, 1.0]
    reward.close()
    copy.close()


def test_an_unknown_group_size_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="num_generations is not known"):
        GroupReward(opens(GoldScorer()))(**ROWS)


def test_a_process_that_forgets_to_close_its_reward_ends_all_the_same() -> None:
    program = """
import anyio
from contextlib import asynccontextmanager
from catsdk_trainers.controls import GoldScorer
from catsdk_trainers.trl_reward import GroupReward

@asynccontextmanager
async def opens():
    # The loop's worker threads outlive what they do.
    await anyio.to_thread.run_sync(int)
    yield GoldScorer()

print(GroupReward(opens, 1)(["1+1"], ["\\\\boxed{2}"], answer=["2"]))
"""
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(str(path) for path in (root, root / "providers", root / "trainers"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[1.0]"), done.stderr


@pytest.mark.parametrize(("rows", "size"), [(7, 4), (3, 2), (5, 4), (1, 2), (2, 8)])
def test_rows_that_do_not_make_groups_are_refused_in_one_process_too(rows: int, size: int) -> None:
    reward = GroupReward(opens(GoldScorer()), size)
    with pytest.raises(InvalidInputError, match=f"{rows} rows do not make groups of {size}"):
        reward(["q"] * rows, ["x"] * rows)
