"""Contestant of the rubric benchmark: autorubric, its grader over litellm as documented."""

from typing import Any

import anyio
from autorubric import Criterion, LLMConfig, Rubric
from autorubric.graders import CriterionGrader

from benchmarks.contestants.harness import Target, serve
from benchmarks.contestants.truth import criterion, rollout


async def judge(
    target: Target, rollouts: int, criteria: int, in_flight: int, equal: bool = False
) -> dict[str, Any]:
    """Grade every rollout by every criterion, one a call."""
    config = LLMConfig(
        model=f"openai/{target.model}",
        api_base=target.url,
        api_key=target.key,
        max_parallel_requests=in_flight,
    )
    grader = CriterionGrader(judge_model_config=config)
    rubric = Rubric([Criterion(requirement=criterion(at), weight=1.0) for at in range(criteria)])
    rewards: list[float | None] = [None] * rollouts
    failures: list[str] = []

    async def grade(at: int) -> None:
        try:
            report = await rubric.grade(rollout(0 if equal else at), grader=grader)
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
