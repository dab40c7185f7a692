"""An estimate is made from rows that are kept, has a range that holds, and invents no price."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from catsdk import CaT, Client, Majority
from catsdk.batch import Estimate, Plan, Range, estimate, run
from catsdk.core.errors import InvalidInputError
from catsdk.core.sending import Budget, Price
from catsdk.core.types import Usage
from tests.batch.model import priced, records, rows

PRICES = {"function": Price(input=1.0, output=10.0)}


def plan(seed: int = 0, tokens: Any = lambda _: 100, prices: Any = PRICES, n: int = 4) -> Plan:
    return Plan(CaT(priced(tokens, seed), client=Client(prices=prices)), n=n)


def lognormal(random: Random) -> int:
    return int(random.lognormvariate(4.5, 1.2)) + 1


async def test_the_rows_of_an_estimate_are_kept_and_not_bought_again(tmp_path: Path) -> None:
    made = plan()
    policy: Any = made.cat.defaults.policy
    first = await estimate(rows(20), tmp_path, made, probes=5)
    assert (first.rows, first.probes, first.paid.requests) == (15, 5, 10)
    asked = len(policy.requests)
    assert await estimate(rows(20), tmp_path, made, probes=5) == first
    assert len(policy.requests) == asked == 10
    summary = await run(rows(20), tmp_path, made)
    assert summary.ok == len(records(tmp_path)) == 20
    assert len(policy.requests) == summary.usage.requests == 40


async def test_tokens_and_cost_are_told_by_stage(tmp_path: Path) -> None:
    made = await estimate(rows(20), tmp_path, plan(), probes=4)
    stages = {stage.stage: stage for stage in made.stages}
    assert list(stages) == ["sample", "synthesize"]
    # Of one request for four rollouts of a hundred tokens, and one for the synthesis.
    assert stages["sample"].output_tokens == Range(low=6400, expected=6400, high=6400)
    assert stages["sample"].requests.expected == stages["synthesize"].requests.expected == 16
    cost = stages["sample"].cost
    assert cost is not None and cost.expected == pytest.approx(16 * (4 * 100 * 10 + 20) / 1e6)
    assert made.cost is not None
    assert made.cost.expected == pytest.approx(
        sum(stage.cost.expected for stage in made.stages if stage.cost is not None)
    )


async def test_a_stage_at_half_the_price_costs_half_and_uses_as_many_tokens(
    tmp_path: Path,
) -> None:
    whole = await estimate(rows(20), tmp_path, plan(), probes=4)
    shares = {"sample": 0.5}
    half = await estimate(rows(20), tmp_path, plan(), probes=4, price_shares=shares)
    assert whole.stages[0].cost is not None and half.stages[0].cost is not None
    assert half.stages[0].cost.expected == pytest.approx(whole.stages[0].cost.expected / 2)
    assert half.tokens == whole.tokens
    assert half.stages[1] == whole.stages[1]


async def test_an_unknown_price_stays_unknown(tmp_path: Path) -> None:
    seen = [{"sample": Usage(output_tokens=5, cost=None), "judge": Usage(output_tokens=5)}] * 3
    made = Estimate.of(seen, 10, Usage())
    assert [stage.cost for stage in made.stages] == [None, Range(low=0, expected=0, high=0)]
    assert made.cost is None
    assert made.tokens.expected == 100


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_heavy_tailed_lengths_the_range_holds_the_cost_for_nine_of_ten_seeds(
    tmp_path: Path,
) -> None:
    held = 0
    for seed in range(10):
        out, made = tmp_path / str(seed), plan(seed, lognormal)
        before = await estimate(rows(100), out, made, probes=20)
        summary = await run(rows(100), out, made)
        assert before.cost is not None and before.paid.cost is not None
        assert summary.usage.cost is not None
        real = summary.usage.cost - before.paid.cost
        held += before.cost.low <= real <= before.cost.high
        # A range that holds because it says nothing would be easy.
        assert before.cost.high < 6 * before.cost.expected
    assert held >= 9


def test_the_range_of_single_lognormal_lengths_holds_too() -> None:
    random, held = Random(3), 0
    for _ in range(100):
        values = [random.lognormvariate(4, 1.5) for _ in range(300)]
        made = Range.of_sum(values[:32], 268)
        held += made.low <= sum(values[32:]) <= made.high
    assert held >= 93


def test_a_range_says_what_little_is_known() -> None:
    one = Range.of_sum([5.0], 10)
    assert (one.low, one.expected, one.high) == (0, 50, float("inf"))
    assert Range.of_sum([0.0, 0.0], 10) == Range(low=0, expected=0, high=0)
    some = Range.of_sum([0.0, 0.0, 5.0, 6.0], 10)
    assert some.low < some.expected < some.high


async def test_a_budget_holds_for_probes_and_without_any_nothing_is_estimated(
    tmp_path: Path,
) -> None:
    made = plan()
    policy: Any = made.cat.defaults.policy
    # A row takes two: seven are whole, or four where all ten groups are drawn first.
    part = await estimate(rows(20), tmp_path, made, probes=10, budget=Budget(requests=14))
    assert 4 <= part.probes <= 7
    assert len(policy.requests) == 14
    await run(rows(20), tmp_path / "all", plan())
    with pytest.raises(InvalidInputError, match="the others cannot be estimated"):
        await estimate(rows(20), tmp_path / "all", plan())


async def test_an_estimate_of_a_method_without_a_reference_has_one_stage(tmp_path: Path) -> None:
    c = CaT(priced(lambda _: 10, 0), estimator=Majority())
    with anyio.fail_after(30):
        made = await estimate(rows(6), tmp_path, Plan(c, n=2), probes=2)
    assert [stage.stage for stage in made.stages] == ["sample"]
