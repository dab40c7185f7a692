"""An alternative engine: the package math-verify, in a process that is killed at its limit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

from catsdk.answers.engine.symbolic.frames import Json
from catsdk.answers.engine.symbolic.pool import WorkerPool
from catsdk.answers.verdict import Cause, Verdict

__all__ = ["MathVerifyGrader", "verify_pair"]

_TASK = "catsdk.answers.graders.math_verify:verify_pair"
_CAUSES: dict[str, Cause] = {"timeout": "timeout", "memory": "limit", "size": "limit"}


@dataclass(frozen=True)
class MathVerifyGrader:
    """Compares by math-verify (the extra `math-verify`), both texts read as formulas.

    It runs in worker processes, since it may hang or swallow memory: at a limit the process is
    killed and the verdict is unknown.

    Args:
        seconds: Longest time that one comparison may work.
        megabytes: Most memory of a process.

    Example:
        >>> from catsdk import Answers
        >>> from catsdk.answers import MathVerifyGrader
        >>> Answers(grader=MathVerifyGrader(seconds=2.0)).grader.megabytes
        1024
    """

    seconds: float = 5.0
    megabytes: int = 1_024

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Ask math-verify."""
        pool = _pool(self.seconds, self.megabytes)
        reply = await pool.run_async([answer, reference])
        if reply.cause:
            cause = _CAUSES.get(reply.cause, "failed")
            return Verdict("unknown", cause=cause, detail=reply.detail, seconds=reply.seconds)
        if reply.value is None:
            return Verdict("unknown", cause="unparseable", seconds=reply.seconds)
        return Verdict("equal" if reply.value else "different", "engine", seconds=reply.seconds)


@lru_cache(maxsize=4)
def _pool(seconds: float, megabytes: int) -> WorkerPool:
    return WorkerPool(_TASK, limit_s=seconds, memory_mb=megabytes)


def verify_pair(payload: Json) -> Json:
    """Compare an answer with a reference; called in a worker process. `None`: unreadable."""
    answer, reference = cast("list[str]", payload)
    engine: Any = import_module("math_verify")
    gold, given = (engine.parse(f"\\boxed{{{text}}}") for text in (reference, answer))
    return bool(engine.verify(gold, given)) if gold and given else None
