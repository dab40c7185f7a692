"""The house's own guards: both event loops, and no blocking call of ours inside one."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
import sniffio
from blockbuster import BlockingError

import catsdk


def _code_of_ours_that_sleeps() -> Callable[[], None]:
    place = Path(catsdk.__file__).parent / "as_if_in_catsdk.py"
    names: dict[str, Any] = {"time": time}
    exec(compile("def nap(): time.sleep(0.001)", str(place), "exec"), names)  # noqa: S102
    nap: Callable[[], None] = names["nap"]
    return nap


async def test_an_async_test_runs_on_the_event_loop_that_its_name_says(anyio_backend: str) -> None:
    assert sniffio.current_async_library() == anyio_backend


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_our_code_cannot_block_the_event_loop() -> None:
    with pytest.raises(BlockingError):
        _code_of_ours_that_sleeps()()


async def test_our_code_may_block_in_a_worker_thread() -> None:
    with anyio.fail_after(5):
        await anyio.to_thread.run_sync(_code_of_ours_that_sleeps())


# On purpose: the mark must lift the guard.
@pytest.mark.allow_blocking
async def test_a_marked_test_may_block() -> None:
    _code_of_ours_that_sleeps()()
