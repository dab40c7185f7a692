"""What one call of a model is made of: messages, the request, its completions, usage, failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from catsdk.core.value import Value, WholeValue

__all__ = [
    "Call",
    "Completion",
    "Failure",
    "FinishReason",
    "ImagePart",
    "Message",
    "Request",
    "TextPart",
    "TokenLogprob",
    "Usage",
]

FinishReason = Literal["stop", "length", "content_filter", "other"]


class TextPart(WholeValue):
    """A piece of text in a message."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(WholeValue):
    """An image in a message, by URL (`https:` or `data:`)."""

    type: Literal["image"] = "image"
    url: str


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(WholeValue):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str | tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text of the message, images left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


class Usage(Value):
    """What calls consumed. `cost` is in US dollars, `None` where a price is unknown.

    `unreported` counts the requests whose tokens no answer told: failed, cut, or silent servers;
    `estimated` those whose tokens are partly our own estimate, since the report left some out.
    Cached tokens are part of the input tokens, reasoning tokens part of the output tokens.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int = 0
    unreported: int = 0
    estimated: int = 0
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        """Add up two usages; an unknown cost makes the sum unknown."""
        known = self.cost is not None and other.cost is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            requests=self.requests + other.requests,
            unreported=self.unreported + other.unreported,
            estimated=self.estimated + other.estimated,
            cost=(self.cost or 0.0) + (other.cost or 0.0) if known else None,
        )

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """The sum of `usages`."""
        return sum(usages, cls())


class Request(Value):
    """What a provider is asked: messages and sampling settings; `None` is the model's default.

    `n` answers are wanted. `seed` makes sampling repeatable where the model can. `json_schema`
    asks for text that fits the schema; with `schema_by` "tool" it is asked for as the arguments of
    a function that the model must call. `extra` goes to the vendor as it is. `sample_index` is the
    place of the first of these answers among the answers to equal requests; it is not sent, but
    tells a cache the one answer from the other.
    """

    messages: tuple[Message, ...]
    n: int = 1
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = False
    json_schema: dict[str, JsonValue] | None = None
    schema_by: Literal["native", "tool"] = "native"
    extra: dict[str, JsonValue] = Field(default={})
    sample_index: int = 0


class TokenLogprob(Value):
    """One sampled token and the natural logarithm of its probability under the model."""

    token: str
    logprob: float


class Failure(Value):
    """Something that did not work, as data: the error's class name and its message."""

    kind: str
    message: str
    model: str | None = None
    status: int | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The data of `error`."""
        facts = {name: getattr(error, name, None) for name in ("model", "status", "request_id")}
        return cls(kind=type(error).__name__, message=str(error), **facts)

    def __str__(self) -> str:
        """Kind and message on one line."""
        return f"{self.kind}: {self.message}"


class Completion(Value):
    """One answer of a model. `latency` is in seconds, for the call that brought it.

    `reasoning` is the thinking that the model keeps apart from its answer. The usages of the n
    completions of one request add up to the request's; a service that tells only the sum has it
    on the first. `cached` answers were paid for before, and have used nothing. `failure` is set
    where the service reported that this one of several answers failed; `text` is then what came
    before it, and no answer.
    """

    text: str
    reasoning: str | None = None
    finish_reason: FinishReason = "stop"
    logprobs: tuple[TokenLogprob, ...] | None = None
    usage: Usage = Usage()
    model: str = ""
    latency: float = 0.0
    request_id: str | None = None
    cached: bool = False
    failure: Failure | None = None

    def __repr__(self) -> str:
        """Text, model and how it ended."""
        return self._short("text", "finish_reason", "model", "cached", "failure")


class Call(Value):
    """One request that was sent: for which stage, to which model, what it used, how it ended.

    `request_id` is the service's own name of the request, where it gave one.
    """

    stage: str
    model: str
    usage: Usage
    latency: float
    failure: Failure | None = None
    request_id: str | None = None
