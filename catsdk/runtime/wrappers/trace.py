"""OpenTelemetry spans and metrics of every call, by the conventions for generative AI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from catsdk.core.errors import CatError
from catsdk.core.messages import AudioPart, FilePart, ImagePart, Message, Part, ThinkingPart
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.attribution import attribution
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Tracing"]

SCOPE = "catsdk"
Value = str | int | float | bool | Sequence[str]


@dataclass
class Tracing(Wrapper):
    """A provider whose every try is a span of kind client, and counts in two histograms.

    `gen_ai.client.operation.duration` (seconds) and `gen_ai.client.token.usage` (tokens) go to
    `meters`, spans to `tracers`; without either, to the providers that the process has set. What
    was asked and answered is told only with `content`; an error is told by its class and status,
    for its message may quote either. A URL is told by host and port. Nothing here sees a key.
    """

    url: str | None = None
    content: bool = False
    tracers: trace.TracerProvider | None = None
    meters: metrics.MeterProvider | None = None
    _tracer: trace.Tracer = field(init=False, repr=False)
    _duration: metrics.Histogram = field(init=False, repr=False)
    _tokens: metrics.Histogram = field(init=False, repr=False)
    _common: dict[str, Value] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the instruments once."""
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=self.tracers)
        meter = metrics.get_meter(SCOPE, meter_provider=self.meters)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration", unit="s", description="Duration of a call."
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", unit="{token}", description="Tokens that a call used."
        )
        self._common = _common(self.name, self.url)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on inside a span."""
        told = _asked(request) | {"catsdk.stage": attribution().stage}
        span = self._tracer.start_span(
            f"chat {self._common['gen_ai.request.model']}",
            kind=SpanKind.CLIENT,
            attributes={**self._common, **told, **self._said(request)},
        )
        start = perf_counter()
        ended: dict[str, Value] = {"error.type": "cancelled"}
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                completions = await self.pass_on(request, on_text)
            ended = {"gen_ai.response.model": completions[0].model} if completions else {}
            self._answered(span, completions)
            return completions
        except CatError as error:
            ended = _error(error)
            raise
        finally:
            self._end(span, ended, perf_counter() - start)

    def _end(self, span: Span, ended: Mapping[str, Value], seconds: float) -> None:
        span.set_attributes(dict(ended))
        if "error.type" in ended:
            span.set_status(Status(StatusCode.ERROR, str(ended["error.type"])))
        span.end()
        self._duration.record(seconds, {**self._common, **_of_metrics(ended)})

    def _answered(self, span: Span, completions: Sequence[Completion]) -> None:
        usage = Usage.total(completion.usage for completion in completions)
        span.set_attributes(_answer(completions, usage))
        if self.content:
            span.set_attribute("gen_ai.output.messages", _outputs(completions))
        if not usage.unreported:
            for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
                self._tokens.record(tokens, {**self._common, "gen_ai.token.type": kind})

    def _said(self, request: Request) -> dict[str, Value]:
        if not self.content:
            return {}
        front = {"system", "developer"}
        system = [_parts(message) for message in request.messages if message.role in front]
        said: dict[str, Value] = {
            "gen_ai.input.messages": json.dumps(
                [
                    {"role": message.role, "parts": _parts(message)}
                    for message in request.messages
                    if message.role not in front
                ]
            )
        }
        if system:
            said["gen_ai.system_instructions"] = json.dumps(
                [part for each in system for part in each]
            )
        return said


def _common(name: str, base_url: str | None) -> dict[str, Value]:
    service, _, model = name.rpartition(":") if ":" in name else (name, "", name)
    common: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": service,
        "gen_ai.request.model": model,
    }
    where = urlsplit(base_url or "")
    if where.hostname:
        common["server.address"] = where.hostname
        common["server.port"] = where.port or (443 if where.scheme == "https" else 80)
    return common


def _asked(request: Request) -> dict[str, Value]:
    settings: dict[str, Value | None] = {
        "gen_ai.request.choice.count": request.n if request.n != 1 else None,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.top_p": request.top_p,
        "gen_ai.request.top_k": request.top_k,
        "gen_ai.request.seed": request.seed,
        "gen_ai.request.stop_sequences": request.stop or None,
        "gen_ai.output.type": "json" if request.json_schema is not None else None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _answer(completions: Sequence[Completion], usage: Usage) -> dict[str, Value]:
    answer: dict[str, Value] = {
        "gen_ai.response.finish_reasons": [completion.finish_reason for completion in completions]
    }
    if completions and completions[0].request_id:
        answer["gen_ai.response.id"] = completions[0].request_id
    if not usage.unreported:
        answer |= {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        }
    if usage.cost is not None:
        answer["catsdk.cost.usd"] = usage.cost
    return answer


def _error(error: CatError) -> dict[str, Value]:
    told: dict[str, Value] = {"error.type": type(error).__name__}
    status = getattr(error, "status", None)
    return told | ({"http.response.status_code": status} if isinstance(status, int) else {})


def _of_metrics(ended: Mapping[str, Value]) -> dict[str, Value]:
    return {name: ended[name] for name in ("error.type", "gen_ai.response.model") if name in ended}


def _parts(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        answer = {"type": "tool_call_response", "id": message.tool_call_id}
        return [answer | {"response": message.shown}]
    calls = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.given}
        for call in message.tool_calls
    ]
    return [*map(_part, message.parts), *calls]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        return {"type": "uri", "modality": "image", "uri": part.url}
    if isinstance(part, AudioPart):
        return {"type": "blob", "modality": "audio", "content": part.data}
    if isinstance(part, FilePart):
        return {"type": "uri", "modality": "file", "uri": part.url or part.id}
    kind = "reasoning" if isinstance(part, ThinkingPart) else "text"
    return {"type": kind, "content": part.text}


def _outputs(completions: Sequence[Completion]) -> str:
    return json.dumps(
        [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": completion.text}],
                "finish_reason": completion.finish_reason,
            }
            for completion in completions
        ]
    )
