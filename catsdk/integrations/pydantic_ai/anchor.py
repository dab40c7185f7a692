"""Anchor: a model of pydantic-ai as a provider, for an estimator without a model of its own."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final, cast

from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior
from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.messages import ImagePart, Message
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Request
from catsdk.integrations.pydantic_ai.failures import ours
from catsdk.integrations.pydantic_ai.turn import Sample

__all__ = ["Anchor"]

REPLY: Final = "reply"


class Anchor:
    """A pydantic-ai model as a provider, for an estimator without its own model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        profile: Mapping[str, Any] = model.profile
        self.capabilities = Capabilities(
            streaming=True,
            json_schema=bool(profile.get("supports_json_schema_output", False)),
            tools=bool(profile.get("supports_tools", True)),
        )

    @property
    def name(self) -> str:
        return str(self._model.model_name)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        async def one(at: int) -> Completion:
            return await self._one(request, at, None if at else on_text)

        return await fan_out(one, range(request.n))

    async def _one(self, request: Request, at: int, on_text: OnText | None) -> Completion:
        asked = [_as_request(message) for message in request.messages]
        settings, parameters = _settings(request, at), _parameters(request)
        begun = monotonic()
        try:
            if on_text is None:
                response = await self._model.request(asked, settings, parameters)
            else:
                async with self._model.request_stream(asked, settings, parameters) as stream:
                    async for event in stream:
                        on_text(_piece(event))
                    response = stream.get()
        except (ModelAPIError, UnexpectedModelBehavior) as error:
            raise ours(error) from error
        return Sample(response, monotonic() - begun).completion(REPLY)


def _piece(event: object) -> str:
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return str(event.part.content)
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return str(event.delta.content_delta)
    return ""


def _as_request(message: Message) -> ModelMessage:
    if message.role == "assistant":
        return ModelResponse(parts=[TextPart(message.text)])
    if message.role in {"system", "developer"}:
        return ModelRequest(parts=[SystemPromptPart(message.text)])
    content = [_as_content(part) for part in message.parts]
    return ModelRequest(parts=[UserPromptPart(content)])


def _as_content(part: Any) -> Any:
    if not isinstance(part, ImagePart):
        return part.shown
    if part.url.startswith("data:"):
        return BinaryContent.from_data_uri(part.url)
    return ImageUrl(part.url)


def _settings(request: Request, at: int) -> ModelSettings:
    asked: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "max_tokens": request.max_tokens,
        "stop_sequences": list(request.stop) or None,
        "seed": None if request.seed is None else request.seed + at,
        "extra_body": request.extra or None,
    }
    present = {name: value for name, value in asked.items() if value is not None}
    return cast("ModelSettings", present)


def _parameters(request: Request) -> ModelRequestParameters:
    schema = request.json_schema
    if schema is None:
        return ModelRequestParameters()
    if request.schema_by == "native":
        wanted = OutputObjectDefinition(json_schema=schema, name=REPLY)
        return ModelRequestParameters(output_mode="native", output_object=wanted)
    tool = ToolDefinition(name=REPLY, parameters_json_schema=schema, kind="output")
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
