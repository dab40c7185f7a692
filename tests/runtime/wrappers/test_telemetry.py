"""Spans and metrics follow the conventions; content is told only when asked for, a key never."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio
import pytest
from opentelemetry import metrics, trace
from opentelemetry.util.types import Attributes, AttributeValue

from catsdk.core.errors import RateLimitedError
from catsdk.core.types import Completion, Message, Request, Usage
from catsdk.runtime.attribution import recorded
from catsdk.runtime.wrappers.trace import Tracing
from catsdk.runtime.wrappers.wrapper import Wrapper
from catsdk.testing import FunctionProvider
from tests.runtime.wrappers.whole_chain import whole_chain

KEY = "sk-secret-4711"
ASK = Request(
    messages=(
        Message(role="system", content="Be brief."),
        Message(role="user", content="How many?"),
    ),
    n=2,
    temperature=0.5,
    max_tokens=9,
    stop=("END",),
)


class KeptSpan(trace.NonRecordingSpan):
    """A span that keeps what it is told."""

    def __init__(self, name: str, kind: trace.SpanKind, attributes: Attributes) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.name, self.kind = name, kind
        self.told: dict[str, AttributeValue] = dict(attributes or {})
        self.status: trace.Status | None = None
        self.exceptions: list[BaseException] = []
        self.ended = 0

    def is_recording(self) -> bool:
        return True

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        self.told[key] = value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        self.told.update(attributes)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status

    def record_exception(self, exception: BaseException, *_: Any, **__: Any) -> None:
        self.exceptions.append(exception)

    def end(self, end_time: int | None = None) -> None:
        self.ended += 1


class Kept(trace.TracerProvider, trace.Tracer, metrics.NoOpMeterProvider):
    """A tracer and meters that keep what they are told."""

    def __init__(self) -> None:
        self.spans: list[KeptSpan] = []
        self.recorded: list[tuple[str, float, dict[str, AttributeValue]]] = []

    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return self

    def start_span(self, name: str, *_: Any, **given: Any) -> KeptSpan:
        self.spans.append(KeptSpan(name, given["kind"], given["attributes"]))
        return self.spans[-1]

    def start_as_current_span(self, *_: Any, **__: Any) -> Iterator[trace.Span]:  # type: ignore[override]
        raise NotImplementedError

    def get_meter(self, *_: Any, **__: Any) -> metrics.Meter:
        return KeptMeter(self)

    @property
    def everything(self) -> str:
        return repr([(span.name, span.told, span.status) for span in self.spans] + self.recorded)


class KeptMeter(metrics.NoOpMeter):
    def __init__(self, kept: Kept) -> None:
        super().__init__("kept")
        self.kept = kept

    def create_histogram(self, name: str, *_: Any, **__: Any) -> metrics.Histogram:
        return KeptHistogram(name, self.kept)


class KeptHistogram(metrics.NoOpHistogram):
    def __init__(self, name: str, kept: Kept) -> None:
        super().__init__(name)
        self.named, self.kept = name, kept

    def record(self, amount: float, attributes: Attributes = None, context: Any = None) -> None:
        self.kept.recorded.append((self.named, amount, dict(attributes or {})))


def model(script: Any, kept: Kept, **settings: Any) -> Tracing:
    url = f"https://user:{KEY}@api.example.com/v1"
    provider = FunctionProvider(script, name="openai:gpt-5")
    return Tracing(provider, url=url, tracers=kept, meters=kept, **settings)


def answered(_: Request) -> Sequence[Completion]:
    usage = Usage(input_tokens=5, output_tokens=7, cached_tokens=2, requests=1, cost=0.25)
    first = Completion(text="forty-two", usage=usage, model="gpt-5-2026", request_id="r-1")
    return [first, Completion(text="two", finish_reason="length", model="gpt-5-2026")]


async def test_a_call_is_a_client_span_by_the_conventions() -> None:
    kept = Kept()
    with recorded("sample"):
        await model(answered, kept).complete(ASK)
    (span,) = kept.spans
    assert (span.name, span.kind, span.ended) == ("chat gpt-5", trace.SpanKind.CLIENT, 1)
    assert span.status is None
    assert span.told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "server.address": "api.example.com",
        "server.port": 443,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stop_sequences": ("END",),
        "catsdk.stage": "sample",
        "gen_ai.response.model": "gpt-5-2026",
        "gen_ai.response.finish_reasons": ["stop", "length"],
        "gen_ai.response.id": "r-1",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "catsdk.cost.usd": 0.25,
    }


async def test_duration_and_tokens_are_counted_in_histograms() -> None:
    kept = Kept()
    await model(answered, kept).complete(ASK)
    names = [(name, told.get("gen_ai.token.type")) for name, _, told in kept.recorded]
    assert names == [
        ("gen_ai.client.token.usage", "input"),
        ("gen_ai.client.token.usage", "output"),
        ("gen_ai.client.operation.duration", None),
    ]
    assert [amount for _, amount, _ in kept.recorded[:2]] == [5, 7]
    assert all(told["gen_ai.request.model"] == "gpt-5" for _, _, told in kept.recorded)


async def test_an_answer_that_tells_no_tokens_counts_none() -> None:
    kept = Kept()
    silent = Completion(text="x", usage=Usage(requests=1, unreported=1, cost=None))
    await model(lambda _: silent, kept).complete(ASK.model_copy(update={"n": 1}))
    assert [name for name, _, _ in kept.recorded] == ["gen_ai.client.operation.duration"]
    assert "gen_ai.usage.input_tokens" not in kept.spans[0].told


@pytest.mark.behaviour("keys-are-never-shown")
async def test_content_is_told_only_when_asked_for_and_a_key_never() -> None:
    quiet, open_ = Kept(), Kept()
    await model(answered, quiet).complete(ASK)
    await model(answered, open_, content=True).complete(ASK)
    for words in ("How many", "Be brief", "forty-two"):
        assert words not in quiet.everything
        assert words in open_.everything
    assert KEY not in quiet.everything + open_.everything
    told = open_.spans[0].told
    (asked,) = json.loads(str(told["gen_ai.input.messages"]))
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "How many?"}]}
    first, _ = json.loads(str(told["gen_ai.output.messages"]))
    assert first["parts"] == [{"type": "text", "content": "forty-two"}]


async def test_a_failure_is_told_by_class_and_status_without_its_words() -> None:
    def refuse(_: Request) -> str:
        raise RateLimitedError("the prompt 'How many?' came too often", status=429)

    kept = Kept()
    with pytest.raises(RateLimitedError):
        await model(refuse, kept).complete(ASK)
    (span,) = kept.spans
    assert span.told["error.type"] == "RateLimitedError"
    assert span.told["http.response.status_code"] == 429
    assert span.status is not None
    assert span.status.status_code is trace.StatusCode.ERROR
    assert (span.exceptions, span.ended) == ([], 1)
    assert "How many" not in kept.everything
    assert kept.recorded[0][2]["error.type"] == "RateLimitedError"


async def test_a_cancelled_call_ends_its_span() -> None:
    kept = Kept()

    async def wait(_: Request) -> str:
        await anyio.sleep_forever()
        return ""

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(model(wait, kept).complete, ASK)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    (span,) = kept.spans
    assert (span.told["error.type"], span.ended) == ("cancelled", 1)


@pytest.mark.parametrize(("wanted", "there"), [(True, True), (False, False), (None, False)])
def test_the_chain_has_telemetry_where_it_is_wanted(wanted: bool | None, there: bool) -> None:
    layer: object = whole_chain(FunctionProvider(answered), telemetry={"enabled": wanted})
    layers: list[type] = []
    while isinstance(layer, Wrapper):
        layers.append(type(layer))
        layer = layer.wrapped
    assert (Tracing in layers) is there
