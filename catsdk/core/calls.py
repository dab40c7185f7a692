"""The parts of one call to a model: request, completions, usage and failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import Field, JsonValue

from catsdk.core.messages import Message, ToolCall
from catsdk.core.value import Value

__all__ = [
    "UNREPORTED",
    "Call",
    "Completion",
    "Failure",
    "FinishReason",
    "Request",
    "TokenLogprob",
    "Usage",
]

FinishReason = Literal["stop", "length", "content_filter", "other"]
"""Why a model stopped writing; `length` is a response that was cut short."""


class Usage(Value):
    """What calls consumed. Usages add up: `a + b`.

    Args:
        input_tokens: Tokens of the prompts, cached ones included.
        output_tokens: Tokens of the answers, reasoning included.
        cached_tokens: Input tokens that the service had in its own cache.
        reasoning_tokens: Output tokens that were spent on thinking.
        requests: How many requests were sent.
        unreported: Requests whose tokens were not reported: failed, cut, or by a silent server.
        estimated: Requests whose tokens are partly our estimate, since the report left some out.
        batched: Requests that went through the provider's batch API, which costs less.
        cost: US dollars; `None` if a price is unknown.

    Example:
        >>> from catsdk import Usage
        >>> first = Usage(input_tokens=90, output_tokens=10, requests=1, cost=0.5)
        >>> total = first + Usage(input_tokens=40, output_tokens=60, requests=1, cost=0.25)
        >>> total.tokens, total.requests, total.cost
        (200, 2, 0.75)
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int = 0
    unreported: int = 0
    estimated: int = 0
    batched: int = 0
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        """Add up two usages; an unknown cost makes the sum unknown."""
        return Usage.total((self, other))

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """Return the sum of `usages`.

        Args:
            usages: Any number of them; of none it is a usage of nothing.
        """
        each = tuple(usages)
        if len(each) == 1:
            # The usual case: a call has only one usage.
            return each[0]
        costs = [usage.cost for usage in each if usage.cost is not None]
        return cls(
            input_tokens=sum([usage.input_tokens for usage in each]),
            output_tokens=sum([usage.output_tokens for usage in each]),
            cached_tokens=sum([usage.cached_tokens for usage in each]),
            reasoning_tokens=sum([usage.reasoning_tokens for usage in each]),
            requests=sum([usage.requests for usage in each]),
            unreported=sum([usage.unreported for usage in each]),
            estimated=sum([usage.estimated for usage in each]),
            batched=sum([usage.batched for usage in each]),
            cost=sum(costs, 0.0) if len(costs) == len(each) else None,
        )


UNREPORTED: Final = Usage(requests=1, unreported=1, cost=None)
"""That of a call of which nothing is known but that it was sent; prices come later."""


class Request(Value):
    """What a provider is asked: messages and sampling settings. `None` is the model's own default.

    Args:
        messages: The conversation, oldest first.
        n: How many answers are wanted.
        temperature: Sampling temperature, from 0.
        top_p: Share of the probability that is sampled from, in 0..1.
        top_k: How many of the most probable tokens are sampled from.
        max_tokens: Longest answer, in tokens.
        stop: Texts at which an answer ends.
        seed: Makes sampling repeatable if the model supports seeds.
        logprobs: Whether the log-probability of each token is wanted.
        json_schema: The schema that the text must fit.
        schema_by: How the schema is asked for: `native`, or as the arguments of a `tool` that the
            model must call.
        extra: Fields that go to the vendor as they are.
        sample_index: The place of the first of these answers among the answers to equal requests.
            It is not sent, but tells a cache one answer from the other.

    Example:
        >>> from catsdk.types import Message, Request
        >>> Request(messages=(Message(role="user", content="2+2?"),), n=4, temperature=1.0).n
        4
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


def _is_unknown(value: object) -> bool:
    """Whether a field is left out of JSON, to keep the format of tokens without it."""
    return value is None


class TokenLogprob(Value):
    """One sampled token, and how probable it was.

    Args:
        token: The token's text.
        logprob: The natural logarithm of its probability under the model.
        entropy: That of the whole distribution that it was drawn from, in nats; `None` if the
            service does not say. A local model that scores a text does.
        self_certainty: The divergence KL(U || p) of that distribution p from the uniform one U over
            the vocabulary, in nats; `None` as above.

    Example:
        >>> from math import exp
        >>> from catsdk.types import TokenLogprob
        >>> exp(TokenLogprob(token="4", logprob=0.0).logprob)
        1.0
    """

    token: str
    logprob: float
    entropy: float | None = Field(default=None, exclude_if=_is_unknown)
    self_certainty: float | None = Field(default=None, exclude_if=_is_unknown)


class Failure(Value):
    """Something that did not work, as data.

    Args:
        kind: The name of the error's class, or of the cause.
        message: What happened, in a sentence.
        model: The model that was asked, where there was one.
        status: The HTTP status of the service's answer.
        request_id: The service's own name of the request.

    Example:
        >>> from catsdk.errors import RateLimitedError
        >>> from catsdk.types import Failure
        >>> str(Failure.of(RateLimitedError("too many requests", status=429)))
        'RateLimitedError: too many requests'
    """

    kind: str
    message: str
    model: str | None = None
    status: int | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return the data of an error.

        Args:
            error: The error; where it knows model, status and request id, they are kept.
        """
        facts = {name: getattr(error, name, None) for name in ("model", "status", "request_id")}
        return cls(kind=type(error).__name__, message=str(error), **facts)

    def __str__(self) -> str:
        """Kind and message on one line."""
        return f"{self.kind}: {self.message}"


class Completion(Value):
    """One answer of a model.

    Args:
        text: The answer, thinking left out.
        reasoning: The thinking that the model keeps apart from its answer.
        tool_calls: The calls of tools that it asks for, where the request offered tools in `extra`.
        finish_reason: How it ended: by itself (`stop`), at the limit of tokens (`length`), by a
            `content_filter`, or for an `other` cause.
        logprobs: The sampled tokens with their log-probabilities, where they were asked for.
        usage: What it used. The usages of the n completions of one request add up to the request's;
            a service that reports only the sum has it on the first.
        model: The model's name, as the service gives it.
        latency: Seconds that the call took.
        request_id: The service's own name of the request.
        cached: Whether it was kept from an earlier call; it has then used nothing.
        failure: Set where the service reported that this one of several answers failed; `text` is
            then what came before, and no answer.

    Example:
        >>> from catsdk.types import Completion
        >>> Completion(text="It is 4", finish_reason="length")
        Completion(text='It is 4', finish_reason='length')
    """

    text: str
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = Field(default=(), exclude_if=lambda calls: not calls)
    finish_reason: FinishReason = "stop"
    logprobs: tuple[TokenLogprob, ...] | None = None
    usage: Usage = Field(default_factory=Usage)
    model: str = ""
    latency: float = 0.0
    request_id: str | None = None
    cached: bool = False
    failure: Failure | None = None

    def __repr__(self) -> str:
        """Text, model and finish reason."""
        return self._short("text", "finish_reason", "model", "cached", "failure")


class Call(Value):
    """One request that was sent: for which stage, what it used, how it ended.

    Args:
        stage: The step of the method that it was sent for, such as `sample` or `judge`.
        model: The model that was asked.
        usage: What it used.
        latency: Seconds from sending to the answer or the error.
        failure: Why it failed; `None` if it did not.
        request_id: The service's own name of the request, where it gave one.

    Example:
        >>> from catsdk.types import Call, Usage
        >>> Call(stage="judge", model="m", usage=Usage(requests=1), latency=0.8).failure is None
        True
    """

    stage: str
    model: str
    usage: Usage
    latency: float
    failure: Failure | None = None
    request_id: str | None = None
