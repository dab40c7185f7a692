"""An alternative engine: the package math-verify, in a process that is killed at its limit."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from time import perf_counter
from typing import Any

import anyio
from anyio import to_process

from catsdk.equivalence.verdict import Verdict

__all__ = ["MathVerifyGrader"]


@dataclass(frozen=True)
class MathVerifyGrader:
    """Compares by math-verify (the extra `math-verify`), both texts read as formulas.

    It runs in a process of its own, since it may hang or swallow memory; after `seconds` the
    process is killed and the verdict is unknown. The time counts from the call.
    """

    seconds: float = 5.0

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Ask math-verify."""
        start = perf_counter()
        try:
            with anyio.fail_after(self.seconds):
                equal = await to_process.run_sync(_verify, answer, reference, cancellable=True)
        except TimeoutError:
            return Verdict("unknown", cause="timeout", seconds=perf_counter() - start)
        except (ImportError, OSError, anyio.BrokenWorkerProcess) as error:
            return Verdict("unknown", cause="failed", detail=str(error))
        seconds = perf_counter() - start
        if equal is None:
            return Verdict("unknown", cause="unparseable", seconds=seconds)
        return Verdict("equal" if equal else "different", "engine", seconds=seconds)


def _verify(answer: str, reference: str) -> bool | None:
    engine: Any = import_module("math_verify")
    gold, given = (engine.parse(f"\\boxed{{{text}}}") for text in (reference, answer))
    return bool(engine.verify(gold, given)) if gold and given else None
