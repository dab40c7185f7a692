"""inspect_ai: a model `cat/...`, so that benchmarks evaluate a method, and a scorer of answers.

inspect_ai finds both by itself if catsdk is installed with the extra `inspect`.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportUntypedFunctionDecorator=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    messages_to_openai,
    modelapi,
)
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Score,
    Scorer,
    Target,
    accuracy,
    scorer,
    stderr,
)
from inspect_ai.solver import TaskState
from inspect_ai.tool import ToolCall, ToolChoice, ToolFunction, ToolInfo

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_count, check_prompt
from catsdk.core.options import Sampling
from catsdk.core.types import Completion, FinishReason, Result, Usage
from catsdk.integrations.kept import Kept
from catsdk.integrations.own_turn import own_turn
from catsdk.recipes import from_data
from catsdk.serve.gateway.answer import evidence_in
from catsdk.serve.gateway.tools import Tool, Tools

__all__ = ["CatAPI", "same_answer"]

_NO_SAMPLING: Final = Sampling()
_STOPS: Final[dict[FinishReason, StopReason]] = {
    "stop": "stop",
    "length": "max_tokens",
    "content_filter": "content_filter",
    "other": "unknown",
}
_COMPARED: Final = {
    True: "the same as the target",
    False: "not the same as the target",
    None: "whether it is the same as the target is not known",
}
# The inspect_ai settings that go to the service under the same name.
_PASSED: Final = (
    "frequency_penalty", "presence_penalty", "logit_bias", "reasoning_effort", "verbosity",
)  # fmt: skip
# Settings that inspect_ai handles itself, or that are read here.
_TAKEN: Final = frozenset({
    "max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections",
    "adaptive_connections", "system_message", "max_tokens", "top_p", "temperature", "stop_seqs",
    "top_k", "seed", "response_schema", "extra_body", "max_tool_output", "cache", "cache_prompt",
    "reasoning_history", "internal_tools", "parallel_tool_calls", "fail_on_refusal", *_PASSED,
})  # fmt: skip


class CatAPI(ModelAPI):  # type: ignore[misc]
    """A method as a model: `cat/MODEL`, where MODEL is the policy's model string.

    Each answer is a reference made of `n` rollouts. A turn that offers tools is the policy's own,
    asked once: a tool call cannot be synthesized. If no reference can be made, that is an
    error of its sample, never an answer.

    Args:
        model_name: The policy, a model string such as `openai:gpt-5` or `local`.
        base_url: Must be `None`: the model string and its variables say where a model is.
        api_key: Must be `None`, for the same reason.
        config: The settings of inspect_ai.
        n: G, the number of rollouts.
        estimator: What makes the reference, as in a recipe: the name of an estimator, one with its
            arguments, or the anchor's model string.
        answers: How answers are found and compared, as in a recipe.

    Raises:
        InvalidInputError: an argument is unknown or out of range.

    Example:
        From a shell: `inspect eval task.py --model cat/openai:gpt-5 -M n=8 -M estimator=Majority`.
        In Python::

            from inspect_ai import eval
            from inspect_ai.model import get_model

            eval(task, model=get_model("cat/local", n=4, estimator={"Majority": {"tie": "first"}}))
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008
        *,
        n: int = 8,
        estimator: Any = None,
        answers: Any = None,
        **unknown: Any,
    ) -> None:
        """Read the description; no model is opened before the first call."""
        super().__init__(model_name, base_url, api_key, [], config)
        for name, value in [("base_url", base_url), ("api_key", api_key), *unknown.items()]:
            if value is not None:
                raise InvalidInputError(
                    f"cat/{model_name} has no {name}; it takes n, estimator and answers (an"
                    " address or a key is set by the policy's model string and its variables)"
                )
        self.n = check_count(n)
        data = {"policy": model_name, "estimator": estimator, "answers": answers}
        self._data = {name: value for name, value in data.items() if value is not None}
        CaT.from_data(self._data)
        self._kept = Kept(lambda: CaT.from_data(self._data))

    async def aclose(self) -> None:
        """Close the models."""
        await self._kept.aclose()

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer with the method, or with the policy alone if tools are offered.

        Raises:
            InvalidInputError: a setting does not apply to a method.
            CatError: there is no answer; its class says why.
        """
        messages = check_prompt(await messages_to_openai(input))
        sampling, cat = _sampling(config), await self._kept.opened()
        if tools:
            offered = _tools(tools, tool_choice, config.parallel_tool_calls)
            completion = await own_turn(cat, messages, sampling, config.seed, offered)
            return ModelOutput(
                model=completion.model,
                choices=[_choice(completion)],
                usage=_usage(completion.usage),
            )
        schema = config.response_schema
        result = await cat.run(
            messages,
            self.n,
            sampling=None if sampling == _NO_SAMPLING else sampling,
            seed=config.seed,
            output=None if schema is None else schema.json_schema.model_dump(exclude_none=True),
        )
        return _output(self.model_name, result)

    def connection_key(self) -> str:
        """Methods of one policy share inspect_ai's connections."""
        return str(self.model_name)


# Under its own name: the decorator does not return a class.
cat_api = modelapi(name="cat")(CatAPI)


@scorer(metrics=[accuracy(), stderr()])  # type: ignore[untyped-decorator]
def same_answer(answers: Any = None) -> Scorer:
    """Score whether the answer in the output is the same as a target, by the answers engine.

    If there is no answer, or it is unknown whether the two are the same, the score is
    incorrect, and says so.

    Args:
        answers: How answers are found and compared, as in a recipe; by default `Answers()`.

    Example:
        >>> from catsdk.integrations.inspect_ai import same_answer
        >>> task = Task(dataset, scorer=same_answer())  # doctest: +SKIP
    """
    engine: Answers = from_data({"Answers": answers or {}}, "answers")

    async def score(state: TaskState, target: Target) -> Score:
        accepted = engine.golds(list(target))
        if not accepted:
            raise InvalidInputError(f"the target {target.text!r:.80} holds no answer")
        found = engine.extract(state.output.completion).answer
        if found is None:
            return Score(value=INCORRECT, explanation="no final answer was found in the output")
        equal = (await engine.grade_any(found, accepted)).equal
        return Score(
            value=CORRECT if equal else INCORRECT, answer=found, explanation=_COMPARED[equal]
        )

    return score


def _output(model: str, result: Result) -> ModelOutput:
    assert result.reference is not None
    output = ModelOutput.from_content(f"cat/{model}", result.reference.text)
    output.usage = _usage(result.usage)
    output.metadata = evidence_in(result)
    return output


def _choice(completion: Completion) -> ChatCompletionChoice:
    calls = [
        ToolCall(id=call.id, function=call.name, arguments=dict(call.given))
        for call in completion.tool_calls
    ]
    message = ChatMessageAssistant(
        content=completion.text, tool_calls=calls or None, model=completion.model, source="generate"
    )
    stop: StopReason = "tool_calls" if calls else _STOPS[completion.finish_reason]
    return ChatCompletionChoice(message=message, stop_reason=stop)


def _usage(usage: Usage) -> ModelUsage:
    return ModelUsage(
        input_tokens=usage.input_tokens - usage.cached_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.tokens,
        input_tokens_cache_read=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        total_cost=usage.cost,
    )


def _sampling(config: GenerateConfig) -> Sampling:
    asked = config.model_dump(exclude_none=True)
    if unknown := [name for name in asked if name not in _TAKEN]:
        raise InvalidInputError(
            f"the setting {unknown[0]} of inspect_ai does not apply to a method; leave it out"
        )
    passed = {name: asked[name] for name in _PASSED if name in asked}
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        max_tokens=config.max_tokens,
        stop=tuple(config.stop_seqs or ()),
        extra=passed | (config.extra_body or {}),
    )


def _tools(tools: Sequence[ToolInfo], choice: ToolChoice, parallel: bool | None) -> Tools:
    offered = [
        Tool(tool.name, tool.description, tool.parameters.model_dump(exclude_none=True))
        for tool in tools
    ]
    if isinstance(choice, ToolFunction):
        return Tools(offered, choice.name, named=True, parallel=parallel)
    return Tools(offered, "required" if choice == "any" else choice, parallel=parallel)
