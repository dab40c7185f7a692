"""The tools for synthesis, comparison of answers and judging; each returns plain data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from catsdk.answers.compare import compare
from catsdk.cat import CaT
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import Event, RolloutArrived, RolloutFailed
from catsdk.core.types import Criterion, Provenance, Result, Rubric
from catsdk.rubrics.judge import Judge
from catsdk.runtime.spending.account import Account
from catsdk.sampling.sampler import group_of

__all__ = ["Report", "Tools"]

Report = Callable[[int, int, str], Awaitable[None]]
"""Takes how far a tool is, of how much, and what is done now."""


class Tools:
    """What an assistant may call.

    Args:
        c: The method, open.
        account: Pays for everything that is called; `None` has no cap.
        usual: The number of rollouts where the assistant does not say.
        most: The most rollouts that it may ask for.
    """

    def __init__(self, c: CaT, account: Account | None, *, usual: int, most: int) -> None:
        """Prepare the tools; nothing is called."""
        self._cat, self._account = c, account
        self._usual, self._most = usual, most

    async def synthesize(
        self, question: str, report: Report, n: int | None = None
    ) -> dict[str, Any]:
        """Answer a question by several attempts that are made into one answer.

        Args:
            question: The question.
            report: Hears of each attempt that is there.
            n: How many attempts are made.

        Raises:
            CatError: there is no answer; the budget may be used up.
        """
        count = self._usual if n is None else n
        if not 1 <= count <= self._most:
            raise InvalidInputError(f"n is {count}; give from 1 to {self._most}")
        out, into = anyio.create_memory_object_stream[int](count)
        there = 0

        def listen(event: Event) -> None:
            nonlocal there
            if isinstance(event, RolloutArrived | RolloutFailed):
                there += 1
                out.send_nowait(there)

        results: list[Result] = []
        async with anyio.create_task_group() as tasks:

            async def tell() -> None:
                with into:
                    async for done in into:
                        await report(done, count, f"{done} of {counted(count, 'attempt')}")

            tasks.start_soon(tell)
            with out:
                results.append(
                    await self._cat.run(question, count, budget=self._account, on_event=listen)
                )
        (result,) = results
        reference = result.reference
        assert reference is not None
        return {
            "text": reference.text,
            "answer": reference.answer,
            "agreement": reference.agreement,
            "majority": reference.majority,
            "disagrees": reference.disagrees,
            "attempts": len(reference.rollouts),
            "partial": result.partial,
            "cost": result.usage.cost,
        }

    async def compare_answers(self, first: str, second: str) -> dict[str, Any]:
        """Say whether two answers are the same: numbers, formulas, units, texts.

        Args:
            first: An answer.
            second: Another one.
        """
        verdict = await compare(first, second)
        reason = verdict.detail or verdict.cause or f"decided by the tier {verdict.tier!r}"
        return {"same": verdict.equal, "reason": reason}

    async def judge(
        self, question: str, response: str, criteria: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Judge a response to a question by each criterion.

        Args:
            question: The question.
            response: The response.
            criteria: Statements that the response meets or does not meet.

        Raises:
            InvalidInputError: there is no criterion.
        """
        if not criteria:
            raise InvalidInputError("criteria is empty; give at least one statement")
        rubric = Rubric(
            criteria=tuple(
                Criterion(id=f"c{at}", text=text) for at, text in enumerate(criteria, 1)
            ),
            provenance=Provenance(method="given"),
        )
        group = group_of(question, [response])
        async with self._cat.context(budget=self._account) as ctx:
            verdicts = await Judge().judge(rubric, group.rollouts[0], ctx.on(group))
        return [
            {
                "criterion": criterion.text,
                "met": verdict.met,
                "reason": verdict.reason or (str(verdict.failure) if verdict.failure else None),
                "evidence": verdict.evidence,
            }
            for criterion, verdict in zip(rubric.criteria, verdicts, strict=True)
        ]
