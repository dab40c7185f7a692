"""The reward function scores whole groups at once, on its own loop, and invents no reward."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.answers import Answers, ExactMatch, Extractor
from catsdk.core.errors import (
    BudgetExceededError,
    ConfigurationError,
    InvalidInputError,
    RequestRefusedError,
    ServerError,
)
from catsdk.core.options import Sampling
from catsdk.core.types import Group, Reference, Request
from catsdk.rewards import ClusterShare, SkipAgreed, TruncationPenalty
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider
from catsdk_trainers.config.settings import Failing
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.failing import ScoringFailedError
from catsdk_trainers.trl.reward import GroupReward, reward

pytestmark = pytest.mark.needs_torch

ROWS: dict[str, Any] = {
    "prompts": ["1+1"] * 2 + ["2+2"] * 2,
    "completions": ["\\boxed{2}", "\\boxed{3}", "\\boxed{4}", "\\boxed{4}"],
    "answer": ["2", "2", "4", "4"],
}


def rewarding(by: cat.Reward, size: int | None = 2, **settings: Any) -> GroupReward:
    return reward(cat.CaT(reward=by), size, **settings)


def after_the_word(text: str) -> str | None:
    return text.partition("ANSWER=")[2] or None


class Meets(cat.Reward):
    """Rewards a group only when two groups are being rewarded."""

    needs_reference = False

    def __init__(self) -> None:
        self.arrived, self.both = 0, anyio.Event()

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[float]:
        self.arrived += 1
        if self.arrived == 2:
            self.both.set()
        await self.both.wait()
        return [1.0 for _ in group.rollouts]


class SeesTheCollector(cat.Reward):
    """Notes after how many collections of the middle generation a full one would begin."""

    needs_reference = False

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[float]:
        self.seen.append(gc.get_threshold()[2])
        return [1.0 for _ in group.rollouts]


@dataclass(frozen=True)
class Fails(cat.Reward):
    """Rewards nothing: hangs on the prompt that it is told to, and fails on the others."""

    hangs_on: str = ""
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[float]:
        if group.question == self.hangs_on:
            await anyio.sleep_forever()
        raise ServerError("the anchor is down")


def test_rewards_come_in_the_order_of_the_rows() -> None:
    made = rewarding(cat.Gold())
    assert made(**ROWS) == [1.0, 0.0, 1.0, 1.0]
    made.close()
    assert made(**ROWS) == [1.0, 0.0, 1.0, 1.0]
    made.close()


def test_without_a_trainer_completions_of_the_given_length_count_as_cut_short() -> None:
    made = rewarding(cat.Gold() + TruncationPenalty(-0.5), max_tokens=3)
    ids = [[1, 2], [1, 2], [1, 2, 3], [1]]
    assert made(**ROWS, completion_ids=ids) == [1.0, 0.0, 0.5, 1.0]
    made.close()


def test_groups_are_scored_at_once() -> None:
    made = rewarding(Meets(), failing=Failing(deadline=30.0))
    assert made(**ROWS) == [1.0] * 4
    made.close()


@pytest.mark.behaviour("trainer-gets-none")
def test_a_group_that_hangs_has_no_reward_and_the_other_keeps_its_own() -> None:
    class Mixed(cat.Gold):
        async def score(
            self, group: Group, reference: Reference | None, ctx: Context
        ) -> Sequence[cat.Score]:
            if group.question == "2+2":
                await anyio.sleep_forever()
            return await super().score(group, reference, ctx)

    told: dict[str, list[Any]] = {}
    made = rewarding(Mixed(), failing=Failing(deadline=0.2))
    assert made(**ROWS, log_extra=told.__setitem__) == [1.0, 0.0, None, None]
    assert told["no_reward_because"][:2] == ["", ""]
    assert "not scored within 0.2 s" in told["no_reward_because"][2]
    made.close()


def test_training_stops_when_too_many_groups_failed_for_too_long() -> None:
    made = rewarding(Fails(), failing=Failing(steps=3))
    assert made(**ROWS) == made(**ROWS) == [None] * 4
    with pytest.raises(ScoringFailedError, match=r"100% of 2 groups.*3 steps.*anchor is down"):
        made(**ROWS)
    made.close()


def test_a_training_too_short_to_be_stopped_is_refused_at_its_end_if_all_of_it_failed() -> None:
    made = rewarding(Fails(), failing=Failing(steps=3))
    made.check_learned()
    made(**ROWS)
    with pytest.raises(ScoringFailedError, match=r"1 step in a row: .*anchor is down.*nothing was"):
        made.check_learned()
    made.close()
    made = rewarding(cat.Gold(), failing=Failing(steps=3))
    made(**ROWS)
    made.check_learned()
    made.close()


def test_the_same_columns_and_the_metrics_are_logged_each_time() -> None:
    columns: list[list[str]] = []
    metrics: dict[str, float] = {}
    for by in (cat.Gold(), Fails()):
        told: dict[str, list[Any]] = {}
        made = rewarding(by)
        made(
            **ROWS,
            trainer_state=None,
            log_extra=told.__setitem__,
            log_metric=metrics.__setitem__,
        )
        made.close()
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
    anchor = cat.Synthesizer("local", Sampling(temperature=0.0, max_tokens=128))
    c = cat.CaT(estimator=anchor, reward=cat.AnswerReward())
    made = reward(c, 2, name="cat_local")
    assert made(*rows) == [1.0, 1.0]
    copy = pickle.loads(pickle.dumps(made))
    assert (copy.__name__, copy.num_generations) == ("cat_local", 2)
    assert copy(*rows) == [1.0, 1.0]
    made.close()
    copy.close()


def test_an_unknown_group_size_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="num_generations is not known"):
        rewarding(cat.Gold(), None)(**ROWS)


def test_a_process_that_forgets_to_close_its_reward_ends_all_the_same() -> None:
    program = """
import anyio
import catsdk as cat
from catsdk.train import reward

class InAThread(cat.Gold):
    async def score(self, group, reference, ctx):
        # The loop's worker threads outlive what they do.
        await anyio.to_thread.run_sync(int)
        return await super().score(group, reference, ctx)

print(reward(cat.CaT(reward=InAThread()), 1)(["1+1"], ["\\\\boxed{2}"], answer=["2"]))
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


def test_parts_of_a_sum_are_logged_and_groups_left_out_have_not_failed() -> None:
    metrics: dict[str, float] = {}
    parts = cat.Gold() + SkipAgreed(ClusterShare(), above=0.9)
    made = rewarding(parts, failing=Failing(steps=1))
    assert made(**ROWS, log_metric=metrics.__setitem__) == [1.5, 0.5, None, None]
    assert metrics["cat/reward/gold"] == pytest.approx((0.5 + 1.0) / 2)
    assert metrics["cat/reward/skip_agreed"] == 0.5
    assert (metrics["cat/left_out"], metrics["cat/scored"]) == (0.5, 0.5)
    both = rewarding(SkipAgreed(ClusterShare(), above=0.4), failing=Failing(steps=1))
    assert both(**ROWS) == [None] * 4
    made.close()
    both.close()


@pytest.mark.behaviour("failed-calls-are-counted")
def test_calls_of_groups_that_failed_or_hung_are_counted() -> None:
    def answers(request: Request) -> str:
        if request.max_tokens == 1:
            raise RequestRefusedError("no")
        return "no criteria here"

    metrics: dict[str, float] = {}
    for sampling, requests in ((Sampling(max_tokens=1), 2), (Sampling(), 2 + 2 * 2)):
        synthesis = cat.Synthesizer(FunctionProvider(answers), sampling)
        c = cat.CaT(estimator=synthesis, reward=cat.RubricReward())
        made = reward(c, 2)
        assert made(**ROWS, log_metric=metrics.__setitem__) == [None] * 4
        assert metrics["cat/requests"] == requests
        made.close()


def test_a_set_up_that_is_wrong_ends_the_first_step() -> None:
    made = reward(cat.CaT(estimator=cat.Synthesizer(PolicyAnchor()), reward=cat.AnswerReward()), 2)
    with pytest.raises(ConfigurationError, match=r"call attach\(trainer, reward\)"):
        made(**ROWS)
    made.close()


def test_a_cat_without_a_reward_and_what_is_not_a_cat_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="has no reward; give one"):
        reward(cat.CaT("openai:any"), 2)
    with pytest.raises(InvalidInputError, match="give a CaT such as"):
        reward(cat.AnswerReward(), 2)  # type: ignore[arg-type]


def test_the_answers_of_the_cat_read_the_rollouts_too() -> None:
    lines = Answers(Extractor((("line", after_the_word),)), ExactMatch())
    made = reward(cat.CaT(reward=cat.Gold(), answers=lines), 2)
    assert made(["q"] * 2, ["ANSWER=a", "ANSWER=b"], answer=["ANSWER=b"] * 2) == [0.0, 1.0]
    made.close()


def test_known_answers_are_read_like_rollouts_and_each_accepted_one_counts() -> None:
    made = rewarding(cat.Gold(), 2)
    texts = ["\\boxed{72}", "\\boxed{0.5}"]
    assert made(["q"] * 2, texts, answer=["6 * 12 = 72\n#### 72"] * 2) == [1.0, 0.0]
    assert made(["q"] * 2, texts, answer=[["1/2", "\\boxed{3}"]] * 2) == [0.0, 1.0]
    made.close()


def test_a_reference_that_the_budget_cut_short_rewards_nothing() -> None:
    synthesis = cat.Synthesizer(FunctionProvider(lambda _: "\\boxed{2}"))
    c = cat.CaT(estimator=synthesis, reward=cat.AnswerReward())
    made = reward(c, 2, budget=cat.Budget(requests=1), failing=Failing(steps=1))
    told: dict[str, list[Any]] = {}
    rewards = made(**ROWS, log_extra=told.__setitem__)
    # One of the two groups was paid for; the other one's majority is not what was asked for.
    assert sorted(map(str, rewards)) in (
        ["0.0", "1.0", "None", "None"],
        ["0.0", "0.0"] + ["None"] * 2,
    )
    assert any("budget" in cause for cause in told["no_reward_because"])
    with pytest.raises(BudgetExceededError, match="the budget of 1 request is used up"):
        made(**ROWS)
    made.close()


@pytest.mark.parametrize(("rows", "size"), [(7, 4), (3, 2), (5, 4), (1, 2), (2, 8)])
def test_rows_that_do_not_make_groups_are_refused_in_one_process_too(rows: int, size: int) -> None:
    made = rewarding(cat.Gold(), size)
    with pytest.raises(InvalidInputError, match=f"{rows} rows do not make groups of {size}"):
        made(["q"] * rows, ["x"] * rows)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"completions": ["\\boxed{2}"] * 3}, "completions has 3 values for 4 rows"),
        ({"completions": ["\\boxed{2}"] * 5}, "completions has 5 values for 4 rows"),
        ({"answer": ["2"]}, "answer has 1 values for 4 rows"),
        ({"answer": ["2"] * 6}, "answer has 6 values for 4 rows"),
        ({"answer": "2244"}, "answer is '2244'; give a list"),
        ({"answer": 2}, "answer is 2; give a list"),
        ({"completion_ids": [[1], [2]]}, "completion_ids has 2 values for 4 rows"),
        ({"completion_ids": None}, "completion_ids is None; give a list"),
    ],
)
def test_a_column_that_has_not_one_value_for_each_row_is_refused(
    changed: dict[str, Any], told: str
) -> None:
    made = rewarding(cat.Gold())
    with pytest.raises(InvalidInputError, match=told):
        made(**{**ROWS, **changed})
    assert made(**ROWS) == [1.0, 0.0, 1.0, 1.0]
    made.close()


@pytest.mark.parametrize("size", [0, -2, 2.0, "2", True])
def test_a_group_size_that_is_no_count_is_refused_when_the_reward_is_made(size: Any) -> None:
    with pytest.raises(InvalidInputError, match="num_generations is .*; give a whole number"):
        rewarding(cat.Gold(), size)


def test_no_full_collection_stops_a_call_until_its_last_metric() -> None:
    usual, sees = gc.get_threshold(), SeesTheCollector()
    with_it = rewarding(sees)

    def log_metric(*_: object) -> None:
        sees.seen.append(gc.get_threshold()[2])

    assert with_it(**ROWS, log_metric=log_metric) == [1.0] * 4
    with_it.close()
    assert len(sees.seen) > 2
    assert min(sees.seen) > 1_000_000
    assert gc.get_threshold() == usual
