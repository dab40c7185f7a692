"""Turn: the samples of one turn, and the response that is made of them."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from pydantic_ai import RunContext
from pydantic_ai._context_size import mark_context_input_tokens
from pydantic_ai.exceptions import AgentRunError, UsageLimitExceeded
from pydantic_ai.messages import (
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from catsdk.answers.answers import Answers
from catsdk.core.calls import UNREPORTED
from catsdk.core.errors import NoValidOutputError
from catsdk.core.types import Call, Completion, Failure, FinishReason, Group, Message, Result
from catsdk.integrations.pydantic_ai.messages import call_of, joined, text_of
from catsdk.integrations.pydantic_ai.usage import as_request_usage, summed, usage_of
from catsdk.sampling.sampler import group_of
from catsdk.serve.gateway.answer import evidence_in

__all__ = ["Failed", "Sample", "Turn", "kind_of"]


_ENDS: Final[Mapping[str | None, FinishReason]] = {
    "length": "length",
    "content_filter": "content_filter",
    "error": "other",
}


@dataclass(frozen=True, eq=False)
class Sample:
    """A response of the wrapped model."""

    response: ModelResponse
    latency: float

    def completion(self, kind: str = "text") -> Completion:
        """The response in terms of catsdk; the text is what kind of answer it is."""
        response = self.response
        calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
        text = next((call.args_as_json_str() for call in calls if call.tool_name == kind), None)
        return Completion(
            text=text_of(response) if text is None else text,
            reasoning=joined(response.parts, ThinkingPart) or None,
            tool_calls=tuple(call_of(part) for part in calls),
            finish_reason=_ENDS.get(response.finish_reason, "stop"),
            usage=usage_of(response),
            model=response.model_name or "",
            latency=self.latency,
        )

    def call(self) -> Call:
        """What was paid for it."""
        usage, model = usage_of(self.response), self.response.model_name or ""
        return Call(stage="sample", model=model, usage=usage, latency=self.latency)


@dataclass(frozen=True, eq=False)
class Failed:
    """A sample that failed."""

    error: AgentRunError
    model: str
    latency: float

    def call(self) -> Call:
        """What was paid for it, as far as known."""
        return Call(
            stage="sample",
            model=self.model,
            usage=UNREPORTED,
            latency=self.latency,
            failure=Failure.of(self.error),
        )


@dataclass(frozen=True)
class Turn:
    """The samples of one turn, and what is made of them."""

    prompt: tuple[Message, ...]
    drawn: Sequence[Sample | Failed]
    alike: Sequence[Sample]
    kind: str
    parameters: ModelRequestParameters
    answers: Answers

    @property
    def tool(self) -> ToolDefinition | None:
        """The output tool that the samples call; `None` if they answer by text."""
        return next((tool for tool in self.parameters.output_tools if tool.name == self.kind), None)

    @property
    def schema(self) -> dict[str, Any] | None:
        """What the answer must be; `None` for a text."""
        if (tool := self.tool) is not None:
            return cast("dict[str, Any]", tool.parameters_json_schema)
        wanted = self.parameters.output_object
        return None if wanted is None else cast("dict[str, Any]", wanted.json_schema)

    @property
    def group(self) -> Group:
        """The samples that answer alike, as rollouts; the others are failures."""
        completions = [sample.completion(self.kind) for sample in self.alike]
        group = group_of(self.prompt, completions, answers=self.answers)
        others = [sample for sample in self.drawn if sample not in self.alike]
        causes = enumerate(map(_cause, others), start=len(self.alike))
        calls = tuple(sample.call() for sample in self.drawn)
        return group.model_copy(update={"failures": dict(causes), "calls": calls})

    def exceeds_limits(self, ctx: RunContext[Any] | None) -> bool:
        """Whether the samples alone exceed the run's limits, so that synthesis would be wasted."""
        if ctx is None or ctx.usage_limits is None:
            return False
        spent = copy(ctx.usage)
        spent.incr(self.spent)
        try:
            ctx.usage_limits.check_tokens(spent)
            ctx.usage_limits.check_cost(spent, warn_if_cost_unavailable=False)
        except UsageLimitExceeded:
            # The agent raises it itself, once it has counted what the samples used.
            return True
        return False

    def as_it_is(self, sample: Sample) -> ModelResponse:
        """The response of one sample, with the usage of all."""
        if len(self.drawn) == 1:
            return sample.response
        told = {"samples": len(self.drawn), "alike": len(self.alike), "method": "one sample"}
        return self._response(sample.response, self.spent, told)

    def unfit(self, error: NoValidOutputError) -> ModelResponse:
        """The first sample's response if none fits: the agent sees that and asks again."""
        spent = self.spent
        if error.result is not None:
            spent += self._of_estimator(error.result)
        told = {"samples": len(self.drawn), "method": "one sample", "unfit": str(error)}
        return self._response(self.alike[0].response, spent, told)

    def response(self, result: Result) -> ModelResponse:
        """The response that a method made of the samples."""
        reference = result.reference
        assert reference is not None
        spent = self.spent + self._of_estimator(result)
        selected = reference.provenance.settings.get("selected")
        if isinstance(selected, int):
            return self._response(self.alike[selected].response, spent, evidence_in(result))
        part: ModelResponsePart = TextPart(reference.text)
        if self.tool is not None:
            part = ToolCallPart(self.tool.name, cast("Any", reference.data))
        # Thinking and the like belong to the one sample that they came with.
        made = replace(
            self.alike[0].response,
            parts=[part],
            timestamp=datetime.now(UTC),
            finish_reason="stop",
            provider_response_id=None,
            provider_details=None,
        )
        return self._response(made, spent, evidence_in(result))

    def _response(
        self, response: ModelResponse, spent: RequestUsage, told: Mapping[str, Any]
    ) -> ModelResponse:
        details = {**(response.provider_details or {}), "cat": dict(told)}
        metadata = deepcopy(response.metadata)
        made = replace(response, usage=spent, provider_details=details, metadata=metadata)
        # What one request may hold is a matter of a sample, not of the sum of all.
        longest = max(sample.response.usage.input_tokens for sample in self._there)
        mark_context_input_tokens(made, longest)
        return cast("ModelResponse", made)

    @property
    def _there(self) -> Sequence[Sample]:
        return [sample for sample in self.drawn if isinstance(sample, Sample)]

    @property
    def spent(self) -> RequestUsage:
        """What the samples used."""
        return summed(sample.response for sample in self._there)

    def _of_estimator(self, result: Result) -> RequestUsage:
        """What was used beside the samples."""
        reference = () if result.reference is None else result.reference.calls
        return as_request_usage(call.usage for call in (*reference, *result.calls))


def kind_of(response: ModelResponse, parameters: ModelRequestParameters) -> str:
    """`calls` of function tools, `text`, the name of an output tool, or `other`."""
    calls = [part.tool_name for part in response.parts if isinstance(part, ToolCallPart)]
    outputs = {tool.name for tool in parameters.output_tools}
    if any(name not in outputs for name in calls):
        return "calls"
    if calls:
        return str(calls[0])
    return "text" if text_of(response).strip() else "other"


def _cause(sample: Sample | Failed) -> Failure:
    if isinstance(sample, Failed):
        return Failure.of(sample.error)
    return Failure(kind="AnsweredOtherwise", message="it is not a final answer of the group's kind")
