"""DSPy: an LM whose answers are made from several rollouts, for any program or optimizer.

In DSPy 3.4 an outside model is an engine that answers a `Request` with a `Response`. `CaTLM` is
DSPy's own `LM` with such an engine, so its cache, history, callbacks and usage work as usual.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, cast

import dspy
from dspy import lm15

from catsdk.answers.answers import Answers
from catsdk.answers.extract import STATED, Extractor
from catsdk.cat import CaT
from catsdk.core.errors import (
    AuthenticationError,
    CatError,
    ConfigurationError,
    ContextTooLongError,
    InvalidInputError,
    ModelNotFoundError,
    OverloadedError,
    RateLimitedError,
    RequestRefusedError,
    ServerError,
    TimedOutError,
)
from catsdk.core.inputs import check_count
from catsdk.core.messages import ImagePart, Message, Role, TextPart, ToolCall
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, name_of
from catsdk.core.types import Completion, FinishReason, Result, Usage
from catsdk.integrations.kept import Kept
from catsdk.integrations.loop import in_one_loop
from catsdk.integrations.own_turn import own_turn
from catsdk.serve.gateway.answer import evidence_in
from catsdk.serve.gateway.tools import Tool, Tools

__all__ = ["CaTLM"]

_ENDS: Final[Mapping[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "other": "stop",
}
# The first that fits; lm15's errors tell DSPy what to do, such as to shorten a prompt.
_ERRORS: Final[tuple[tuple[type[CatError], Any], ...]] = (
    (ContextTooLongError, lm15.ContextLengthError),
    (AuthenticationError, lm15.AuthError),
    (RateLimitedError, lm15.RateLimitError),
    (TimedOutError, lm15.TimeoutError),
    (ModelNotFoundError, lm15.UnsupportedModelError),
    (RequestRefusedError, lm15.InvalidRequestError),
    (OverloadedError, lm15.ServerError),
    (ServerError, lm15.ServerError),
    (InvalidInputError, lm15.InvalidRequestError),
    (ConfigurationError, lm15.ConfigurationError),
)
# The lm15 settings that go to the service under the same name.
_PASSED: Final = ("frequency_penalty", "presence_penalty")
_UNKNOWN: Final = ("service_tier", "user_id", "store", "logprobs")


class CaTLM(dspy.LM):  # type: ignore[misc]
    """A DSPy LM whose every answer is a reference made from several rollouts.

    The policy alone answers a call that offers tools, once: tool calls are not synthesized.
    DSPy's own `n` asks for several such answers, each made independently.

    Args:
        policy: The policy, a model string such as `openai:gpt-5`, or a provider.
        rollouts: G, the number of rollouts of each answer.
        estimator: What makes the answer, as in a recipe: the name of an estimator, one with its
            arguments, or the anchor's model string.
        answers: How final answers are found and compared, as in a recipe; by default they are what
            stands in the output fields of DSPy's adapters, else what the text states.
        settings: The further arguments of `dspy.LM`, such as `temperature`, `max_tokens` and
            `cache`. `num_retries` is 0 here: catsdk repeats single calls itself.

    Raises:
        InvalidInputError: an argument is unknown or out of range.

    Example:
        >>> import dspy  # doctest: +SKIP
        >>> from catsdk.integrations.dspy import CaTLM  # doctest: +SKIP
        >>> dspy.configure(lm=CaTLM("openai:gpt-5", rollouts=8))  # doctest: +SKIP
    """

    def __init__(
        self,
        policy: str | Provider,
        rollouts: int = 8,
        *,
        estimator: Any = None,
        answers: Any = None,
        **settings: Any,
    ) -> None:
        """Store the settings; models are opened at the first call."""
        described = {"policy": policy, "estimator": estimator, "answers": answers}
        self._described = {name: value for name, value in described.items() if value is not None}
        engine = _Engine(self._described, check_count(rollouts, "rollouts"))
        # DSPy keeps answers under the model's name: it must tell two methods apart.
        model = policy if isinstance(policy, str) else name_of(policy)
        named = f"cat/{model}@{rollouts}-{engine.fingerprint[:8]}"
        settings = {"num_retries": 0, **settings}
        super().__init__(named, engine=engine, async_engine=_AsyncEngine(engine), **settings)

    def dump_state(self) -> dict[str, Any]:
        """Return the state that recreates this LM, for `program.save`.

        Returns:
            The policy, the rollouts and the settings; no keys.

        Raises:
            InvalidInputError: the policy is a provider, which has no name to be found by.
        """
        if not isinstance(self._described["policy"], str):
            raise InvalidInputError(
                "this CaTLM cannot be saved: its policy is an object; give a model string"
            )
        base = dspy.BaseLM.dump_state(self)
        state = {name: value for name, value in base.items() if name not in {"model", "model_type"}}
        return {**state, **self._described, "rollouts": self._engine_spec.rollouts}

    @classmethod
    def load_state(cls, state: dict[str, Any], *, allow_custom_lm_class: bool = False) -> CaTLM:
        """Recreate the LM from what `dump_state` returned.

        Args:
            state: What `dump_state` returned.
            allow_custom_lm_class: Used by DSPy's own check, before this method runs.

        Returns:
            An equal LM.
        """
        return cls(**{name: value for name, value in state.items() if not name.startswith("_")})


class _Engine:
    """Answers DSPy's requests from any thread."""

    supports_function_calling = True
    supports_response_schema = True
    supported_params = frozenset({
        "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "response_format",
        "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", *_PASSED,
    })  # fmt: skip

    def __init__(self, described: Mapping[str, Any], rollouts: int) -> None:
        self.described, self.rollouts = described, rollouts
        self.fingerprint = _made(described).fingerprint
        self._kept = Kept(lambda: _made(described))

    def __deepcopy__(self, memo: object) -> _Engine:
        """Share one method between copies of a program, as DSPy shares clients."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Recreate the engine when a program is unpickled."""
        return _Engine, (self.described, self.rollouts)

    def complete(self, request: lm15.Request) -> lm15.Response:
        """Answer, blocking until done."""
        return in_one_loop(lambda: self.answer(request))

    def stream(self, request: lm15.Request) -> Iterator[Any]:
        """Yield the complete answer as events."""
        yield from lm15.response_to_events(self.complete(request))

    async def answer(self, request: lm15.Request) -> lm15.Response:
        """Answer in the running loop."""
        try:
            messages, sampling = _messages(request), _sampling(request.config)
            seed, cat = request.config.seed, await self._kept.opened()
            if request.tools:
                tools = _tools(request)
                return _of_turn(request, await own_turn(cat, messages, sampling, seed, tools))
            asked = None if sampling == Sampling() else sampling
            schema = (request.config.response_format or {}).get("schema")
            result = await cat.run(
                messages, self.rollouts, sampling=asked, seed=seed, output=schema
            )
        except CatError as error:
            raise _theirs(error) from error
        return _of_result(request, result)


class _AsyncEngine:
    """The same for DSPy's asynchronous calls."""

    def __init__(self, engine: _Engine) -> None:
        self._engine = engine

    def __deepcopy__(self, memo: object) -> _AsyncEngine:
        """Share this object, like the engine itself."""
        return self

    async def complete(self, request: lm15.Request) -> lm15.Response:
        """Answer."""
        return await self._engine.answer(request)

    async def stream(self, request: lm15.Request) -> AsyncIterator[Any]:
        """Yield the complete answer as events."""
        for event in lm15.response_to_events(await self._engine.answer(request)):
            yield event


def _made(described: Mapping[str, Any]) -> CaT:
    recipe = {name: value for name, value in described.items() if name != "policy"}
    given = CaT.from_data({"policy": "local", **recipe})
    answers = given.answers if "answers" in described else FIELDS
    return CaT(described["policy"], estimator=given.estimator, answers=answers)


def _outputs(text: str) -> str | None:
    """The output fields of a DSPy answer, without the reasoning."""
    _, *pieces = _FIELD.split(text)
    fields = dict(zip(pieces[::2], map(str.strip, pieces[1::2]), strict=True))
    told = [(name, value) for name, value in fields.items() if name not in _NO_OUTPUTS]
    if len(told) == 1:
        return told[0][1]
    return _json(told) if told else None


_FIELD: Final = re.compile(r"^\[\[ ## (\w+) ## \]\]", re.MULTILINE)
_NO_OUTPUTS: Final = frozenset({"reasoning", "completed"})
FIELDS: Final = Answers(Extractor((("dspy", _outputs), *STATED.rules)))


# --- requests -----------------------------------------------------------------------------


def _messages(request: lm15.Request) -> tuple[Message, ...]:
    system = request.system
    if system is not None and not isinstance(system, str):
        system = "".join(part.text for part in system)
    told = [Message(role="system", content=system)] if system else []
    for message in request.messages:
        told += _turns(message)
    return tuple(told)


def _turns(message: lm15.Message) -> list[Message]:
    if message.role == "tool":
        return [
            Message(
                role="tool",
                content=_content(part.content),
                name=part.name,
                tool_call_id=part.id,
                is_error=part.is_error,
            )
            for part in message.parts
        ]
    calls = tuple(
        ToolCall(id=part.id, name=part.name, arguments=_json(part.input))
        for part in message.parts
        if part.type == "tool_call"
    )
    said = [part for part in message.parts if part.type not in {"tool_call", "thinking"}]
    return [Message(role=cast("Role", message.role), content=_content(said), tool_calls=calls)]


def _content(parts: Any) -> str | tuple[TextPart | ImagePart, ...]:
    if all(part.type == "text" for part in parts):
        return "".join(part.text for part in parts)
    return tuple(map(_part, parts))


def _part(part: Any) -> TextPart | ImagePart:
    if part.type == "text":
        return TextPart(text=part.text)
    if part.type == "data":
        return TextPart(text=_json(part.value))
    if part.type == "image" and (part.url or part.data):
        return ImagePart(url=part.url or f"data:{part.media_type};base64,{part.data}")
    raise InvalidInputError(f"a {part.type!r} part cannot be sent; give texts or images")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sampling(config: lm15.Config) -> Sampling:
    if unknown := [name for name in _UNKNOWN if getattr(config, name) is not None]:
        raise InvalidInputError(
            f"the setting {unknown[0]} does not apply to a method; leave it out"
        )
    extra = {name: getattr(config, name) for name in _PASSED}
    extra["reasoning_effort"] = config.reasoning and config.reasoning.effort
    extra |= config.extensions or {}
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        max_tokens=config.max_tokens,
        stop=tuple(config.stop),
        extra={name: value for name, value in extra.items() if value is not None},
    )


def _tools(request: lm15.Request) -> Tools:
    offered = [
        Tool(tool.name, tool.description, tool.parameters)
        for tool in request.tools
        if tool.type == "function"
    ]
    choice = request.config.tool_choice
    if choice is None:
        return Tools(offered)
    if choice.mode == "required" and len(choice.allowed) == 1:
        return Tools(offered, choice.allowed[0], named=True, parallel=choice.parallel)
    if choice.allowed:
        offered = [tool for tool in offered if tool.name in choice.allowed]
    return Tools(offered, choice.mode, parallel=choice.parallel)


# --- responses ----------------------------------------------------------------------------


def _of_result(request: lm15.Request, result: Result) -> lm15.Response:
    assert result.reference is not None
    return lm15.Response(
        id=None,
        model=request.model,
        message=lm15.Message.assistant(result.reference.text),
        finish_reason="stop",
        usage=_usage(result.usage),
        provider_data={"cat": evidence_in(result)},
    )


def _of_turn(request: lm15.Request, completion: Completion) -> lm15.Response:
    parts: list[Any] = [lm15.TextPart(completion.text)] if completion.text else []
    parts += [
        lm15.ToolCallPart(call.id, call.name, dict(call.given)) for call in completion.tool_calls
    ]
    return lm15.Response(
        id=completion.request_id,
        model=completion.model or request.model,
        message=lm15.Message.assistant(parts or [lm15.TextPart("")]),
        finish_reason="tool_call" if completion.tool_calls else _ENDS[completion.finish_reason],
        usage=_usage(completion.usage),
    )


def _usage(usage: Usage) -> lm15.Usage:
    return lm15.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def _theirs(error: CatError) -> Exception:
    cause: BaseException | None = error
    while cause is not None:
        for ours, theirs in _ERRORS:
            if isinstance(cause, ours):
                facts = {name: getattr(cause, name, None) for name in ("status", "retry_after")}
                return cast("Exception", theirs(str(cause), **facts))
        cause = cause.__cause__
    return cast("Exception", lm15.ProviderError(str(error)))
