"""One reply in four is odd, and yet each answer is read once, and its tokens are counted."""

from __future__ import annotations

from typing import get_args

import anyio
import pytest

from tests.soak.hostile import Way, run
from tests.soak.odd_service import NETWORK, ODD

pytestmark = [pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.mark.parametrize("groups", [60, pytest.param(3_000, marks=pytest.mark.soak, id="soak")])
@pytest.mark.parametrize("way", get_args(Way))
async def test_groups_lose_and_invent_nothing_where_one_reply_in_four_is_odd(
    way: Way, groups: int
) -> None:
    with anyio.fail_after(240 + groups):
        outcome = await run(groups, seed=groups, way=way)
    print(outcome)  # noqa: T201 - the numbers of a run of many minutes are worth seeing
    assert outcome.results > 0.7 * groups
    assert outcome.calls["reported"] > 0.7 * groups
    assert way != "counts one" or outcome.calls["estimated"] > 0.3 * groups
    assert groups < 1_000 or set(outcome.kinds) == {*ODD, *NETWORK, "good"}, "a fault never came"
