"""One reply in four is odd, and yet each answer is read once, and its tokens are counted."""

from __future__ import annotations

from typing import get_args

import anyio
import pytest

from tests.soak.hostile import Way, run
from tests.soak.odd_service import NETWORK, ODD

pytestmark = [pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.mark.parametrize("way", get_args(Way))
async def test_a_few_groups_lose_and_invent_nothing_where_one_reply_in_four_is_odd(
    way: Way,
) -> None:
    with anyio.fail_after(300):
        outcome = await run(60, seed=1, way=way)
    assert outcome.results > 40
    assert outcome.calls["reported"] > 40
    assert way != "counts one" or outcome.calls["estimated"] > 20


@pytest.mark.soak
@pytest.mark.parametrize("way", get_args(Way))
async def test_three_thousand_groups_lose_and_invent_nothing_where_one_reply_in_four_is_odd(
    way: Way,
) -> None:
    with anyio.fail_after(3600):
        outcome = await run(3_000, seed=2, way=way)
    print(outcome)  # noqa: T201 - the numbers of a run of many minutes are worth seeing
    assert set(outcome.kinds) == {*ODD, *NETWORK, "good"}, "a fault never came"
    assert outcome.results > 2_500
