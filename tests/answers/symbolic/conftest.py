"""Pools of workers that do the jobs of `jobs.py`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catsdk.answers.engine.symbolic.pool import WorkerPool

MakePool = Callable[..., WorkerPool]


@pytest.fixture
def make_pool() -> Iterator[MakePool]:
    """Make pools that are closed at the end."""
    made: list[WorkerPool] = []

    def make(task: str = "tests.answers.symbolic.jobs:work", **settings: Any) -> WorkerPool:
        made.append(WorkerPool(task, **settings))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def pool(make_pool: MakePool) -> WorkerPool:
    """A pool of two workers with a limit of time that only what hangs reaches."""
    return make_pool(limit_s=60, memory_mb=256)
