"""Contestant of the rubric benchmark: catsdk, with one criterion or all criteria per call."""

from typing import Any, Literal

import catsdk
from benchmarks.contestants.harness import Target, serve
from benchmarks.contestants.truth import criterion, rollout
from catsdk.providers import OpenAIProvider
from catsdk.rubrics import Judging
from catsdk.rubrics.scoring import failures_of
from catsdk.runtime import context_of
from catsdk.types import Completion, Group, Message, Provenance, Reference, Rollout


async def judge(
    target: Target,
    rollouts: int,
    criteria: int,
    in_flight: int,
    equal: bool = False,
    mode: Literal["each", "all"] = "each",
) -> dict[str, Any]:
    """Judge every rollout by every criterion; the rollouts are equal if the task says so."""
    texts = [rollout(0 if equal else item) for item in range(rollouts)]
    group = Group(
        prompt=(Message(role="user", content="q"),),
        rollouts=tuple(
            Rollout(index=at, completion=Completion(text=text)) for at, text in enumerate(texts)
        ),
    )
    made = Provenance(method="benchmark")
    rubric = catsdk.Rubric(
        criteria=tuple(catsdk.Criterion(id=f"c{at}", text=criterion(at)) for at in range(criteria)),
        provenance=made,
    )
    async with OpenAIProvider(target.model, base_url=target.url, api_key=target.key) as model:
        client = catsdk.Client(limits=catsdk.Limits(in_flight=in_flight, adaptive=False))
        judge = catsdk.Judge(model, judging=Judging(mode=mode))
        reward = catsdk.RubricReward(judge=judge, rubric=rubric)
        reference = Reference(text="", group=group, provenance=made)
        async with context_of(client, group=group) as ctx:
            scores = await reward.reward(group, reference, ctx)
    return {
        "rewards": [score.value for score in scores],
        "causes": dict(failures_of(scores)),
        "calls": sum(score.usage.requests for score in scores),
    }


if __name__ == "__main__":
    serve(judge=judge)
