"""Answer: the answer to a client, with its cost and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catsdk.core.types import Completion, FinishReason, Result, TokenLogprob, ToolCall, Usage
from catsdk.serve.gateway.tools import original

__all__ = ["Answer", "evidence_in", "of_completion", "of_result"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Args:
        text: What is answered.
        finish: How it ended.
        reasoning: The thinking that a model kept apart, or the anchor's summary.
        tool_calls: The calls that the model asks for.
        logprobs: The log-probabilities of its tokens, where they were asked for.
        usage: What all calls used.
        unseen: The output tokens that are not those of the answer: rollouts and thinking.
        facts: The field `cat` of the reply.
    """

    text: str
    finish: FinishReason = "stop"
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] | None = None
    usage: Usage = field(default_factory=Usage)
    unseen: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


def of_completion(completion: Completion, usage: Usage, facts: Mapping[str, Any]) -> Answer:
    """The answer that a model gave by itself.

    Args:
        completion: What it gave.
        usage: What all calls used.
        facts: What is told beside it.
    """
    seen = completion.usage.output_tokens - completion.usage.reasoning_tokens
    return Answer(
        text=completion.text,
        finish=completion.finish_reason,
        reasoning=completion.reasoning,
        tool_calls=tuple(map(original, completion.tool_calls)),
        logprobs=completion.logprobs,
        usage=usage,
        unseen=max(0, usage.output_tokens - seen),
        facts={**facts, "cost": usage.cost},
    )


def of_result(
    result: Result, facts: Mapping[str, Any], *, rollouts: bool = False, summary: bool = False
) -> Answer:
    """The answer that a method made of several.

    Args:
        result: What the method gave; it has a reference.
        facts: What is told beside it.
        rollouts: Whether the texts of the rollouts are told.
        summary: Whether the anchor's summary is told, as reasoning.
    """
    reference, group = result.reference, result.group
    assert reference is not None and group is not None
    usage = result.usage
    told: dict[str, Any] = {**facts, **evidence_in(result), "cost": usage.cost}
    if rollouts:
        told["texts"] = [rollout.text for rollout in group.rollouts]
    return Answer(
        text=reference.text,
        reasoning=reference.rationale if summary else None,
        usage=usage,
        unseen=usage.output_tokens - _seen(result),
        facts=told,
    )


def evidence_in(result: Result) -> dict[str, Any]:
    """What is told of how an answer was made.

    Args:
        result: What the method gave; it has a reference.
    """
    reference, group = result.reference, result.group
    assert reference is not None and group is not None
    return {
        "rollouts": len(group.rollouts),
        "failed": len(group.failures),
        "agreement": reference.agreement,
        "answer": reference.answer,
        "majority": reference.majority,
        "disagrees": reference.disagrees,
        "partial": result.partial,
    }


def _seen(result: Result) -> int:
    """The output tokens of the answer itself."""
    reference, group = result.reference, result.group
    assert reference is not None and group is not None
    selected = reference.provenance.settings.get("selected")
    if not isinstance(selected, int):
        own = [call.usage for call in reference.calls if call.failure is None][-1:]
        return sum(usage.output_tokens - usage.reasoning_tokens for usage in own)
    # Rollouts that were sampled by one request share its usage.
    return group.usage.output_tokens // max(1, len(group.rollouts))
