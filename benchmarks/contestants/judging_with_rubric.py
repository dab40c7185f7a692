"""Contestant of the rubric benchmark: rubric, with the generate function that it requires."""

from typing import Any

import anyio
from rubric import Criterion, Rubric
from rubric.autograders import PerCriterionGrader
from rubric.autograders.schemas import PerCriterionOutput

from benchmarks.contestants.harness import Target, graded_by, serve
from benchmarks.contestants.truth import criterion, rollout
from benchmarks.contestants.with_openai import opened


async def judge(
    target: Target, rollouts: int, criteria: int, in_flight: int, equal: bool = False
) -> dict[str, Any]:
    """Grade every rollout by every criterion, one per call; only the SDK retries."""
    free = anyio.Semaphore(in_flight)
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

        return await graded_by(rubric, rollout, rollouts, equal=equal, autograder=grader)


if __name__ == "__main__":
    serve(judge=judge)
