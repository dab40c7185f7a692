"""In chaos each group ends as a result or as a typed failure; none is lost, none is invented."""

from __future__ import annotations

import anyio
import pytest

from catsdk.testing import chaos
from tests.soak.chaos import run

pytestmark = [pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.mark.parametrize("takes_n", ["refuses", "all"])
async def test_a_few_groups_end_well_in_chaos(takes_n: str) -> None:
    with anyio.fail_after(300):
        outcome = await run(40, seed=1, takes_n=takes_n)
    assert outcome.results > 0
    assert outcome.faults


@pytest.mark.soak
@pytest.mark.parametrize("takes_n", ["refuses", "all"])
async def test_two_thousand_groups_end_well_in_chaos(takes_n: str) -> None:
    with anyio.fail_after(3600):
        outcome = await run(2_000, seed=2, takes_n=takes_n)
    print(outcome)  # noqa: T201 - the numbers of a run of many minutes are worth seeing
    assert outcome.results > 1_500
    assert set(outcome.faults) >= set(chaos(2).faults), "a fault never came"
    # Bodies of 32 MB without end come in this run: what is kept must not grow with them.
    assert outcome.megabytes < 600
