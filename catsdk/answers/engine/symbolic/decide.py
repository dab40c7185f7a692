"""Decide a pair of trees in a worker process; the pool is made at the first call."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import cast

from catsdk.answers.engine.symbolic.frames import Json
from catsdk.answers.engine.symbolic.pool import Cause as PoolCause
from catsdk.answers.engine.symbolic.pool import Reply, WorkerPool
from catsdk.answers.engine.tree import JsonTree
from catsdk.answers.verdict import Cause, Verdict

__all__ = ["TASK", "close_workers", "decide", "decide_sync", "verdict_of"]

TASK = "catsdk.answers.engine.symbolic.task:compare"

_CAUSES: dict[PoolCause, Cause] = {
    "timeout": "timeout",
    "memory": "limit",
    "size": "limit",
    "error": "undecided",
}
_lock = threading.Lock()
_pools: dict[int, WorkerPool] = {}


def decide_sync(left: JsonTree, right: JsonTree, options: Mapping[str, object]) -> Verdict:
    """Compare two trees; usable on any thread, which blocks meanwhile.

    `options["seconds"]` (default 2) limits the work of a worker, `options["megabytes"]` (default
    512) its memory. The verdict is unknown where a limit ends the work or sympy cannot tell.
    """
    return verdict_of(_pool(options).run(_payload(left, right), _seconds(options)))


async def decide(left: JsonTree, right: JsonTree, options: Mapping[str, object]) -> Verdict:
    """Compare two trees as `decide_sync` does; cancelling the wait ends the work."""
    return verdict_of(await _pool(options).run_async(_payload(left, right), _seconds(options)))


def close_workers() -> None:
    """End the worker processes; the next question starts new ones."""
    with _lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()


def verdict_of(reply: Reply) -> Verdict:
    """Return the verdict that a worker's reply, or its absence, means."""
    match reply:
        case Reply(value=["equal" | "different" as outcome, str()]):
            return Verdict(outcome, "symbolic", seconds=reply.seconds)
        case Reply(value=["unknown", str(reason)]):
            return Verdict("unknown", "symbolic", "undecided", reason, reply.seconds)
        case _:
            cause = _CAUSES.get(reply.cause, "failed")
            detail = f"{reply.cause}: {reply.detail}"
            return Verdict("unknown", "symbolic", cause, detail, reply.seconds)


def _payload(left: JsonTree, right: JsonTree) -> Json:
    return cast("Json", [left, right])


def _seconds(options: Mapping[str, object]) -> float:
    return float(cast("float", options.get("seconds", 2.0)))


def _pool(options: Mapping[str, object]) -> WorkerPool:
    # One pool for each limit of memory, which a worker cannot change once it runs.
    megabytes = int(cast("int", options.get("megabytes", 512)))
    with _lock:
        if megabytes not in _pools:
            _pools[megabytes] = WorkerPool(TASK, memory_mb=megabytes)
        return _pools[megabytes]
