"""Contestant of the rubric benchmark: rubric, with the generate function that it asks for."""

from typing import Any

import anyio
from rubric import Criterion, Rubric
from rubric.autograders import PerCriterionGrader
from rubric.autograders.schemas import PerCriterionOutput

from benchmarks.contestants.harness import Target, serve
from benchmarks.contestants.truth import criterion, rollout
from benchmarks.contestants.with_openai import opened


async def judge(
    target: Target, rollouts: int, criteria: int, in_flight: int, equal: bool = False
) -> dict[str, Any]:
    """Grade every rollout by every criterion, one a call; the SDK retries, nothing else does."""
    free = anyio.Semaphore(in_flight)
    rewards: list[float | None] = [None] * rollouts
    failures: list[str] = []
    async with opened(target) as client:

        async def generate(system_prompt: str, user_prompt: str, **_: Any) -> PerCriterionOutput:
            async with free:
                reply = await client.chat.completions.create(
                    model=target.model,
                    messages=[
                        {"role": "system", "content": system_prompt},
                        {"role": "user", "content": user_prompt},
                    ],
                )
            return PerCriterionOutput.model_validate_json(reply.choices[0].message.content or "")

        grader = PerCriterionGrader(generate_fn=generate)
        rubric = Rubric(
            [Criterion(requirement=criterion(at), weight=1.0) for at in range(criteria)]
        )

        async def grade(at: int) -> None:
            try:
                report = await rubric.grade(rollout(0 if equal else at), autograder=grader)
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}"[:200])
            else:
                rewards[at] = report.score

        async with anyio.create_task_group() as tasks:
            for at in range(rollouts):
                tasks.start_soon(grade, at)
    return {"rewards": rewards, "failures": failures[:5]}


if __name__ == "__main__":
    serve(judge=judge)
