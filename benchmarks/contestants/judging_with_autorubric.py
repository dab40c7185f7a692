"""Contestant of the rubric benchmark: autorubric, with its grader over litellm as documented."""

from typing import Any

from autorubric import Criterion, LLMConfig, Rubric
from autorubric.graders import CriterionGrader

from benchmarks.contestants.harness import Target, graded_by, serve
from benchmarks.contestants.truth import criterion, rollout


async def judge(
    target: Target, rollouts: int, criteria: int, in_flight: int, equal: bool = False
) -> dict[str, Any]:
    """Grade every rollout by every criterion, one criterion per call."""
    config = LLMConfig(
        model=f"openai/{target.model}",
        api_base=target.url,
        api_key=target.key,
        max_parallel_requests=in_flight,
    )
    grader = CriterionGrader(judge_model_config=config)
    rubric = Rubric([Criterion(requirement=criterion(at), weight=1.0) for at in range(criteria)])

    return await graded_by(rubric, rollout, rollouts, equal=equal, grader=grader)


if __name__ == "__main__":
    serve(judge=judge)
