"""How calls are sent: limits, retries, hedging, cache, timeouts, budget and prices, as values."""

from __future__ import annotations

from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Options
from catsdk.core.value import Value

__all__ = [
    "STAGES",
    "BatchStage",
    "Batching",
    "Budget",
    "Cache",
    "Hedge",
    "Http",
    "Limits",
    "Price",
    "Retry",
    "Sending",
    "SendingFields",
    "Telemetry",
    "Timeouts",
    "whole_section",
]

_ON = ("true", "yes", "on", "1")
_OFF = ("false", "no", "off", "0", "")


class Budget(Options):
    """Caps on what calls may use; `None` is no cap.

    What a call can use at most is reserved before it is sent, so a cap is never exceeded. A cap on
    tokens or money needs to know the longest answer: a request that sets no `max_tokens` is given
    `answer_tokens`.

    Args:
        requests: Maximum number of requests, retries and hedging copies included.
        tokens: Maximum number of input and output tokens together.
        usd: Maximum cost in US dollars; every model needs a known price.
        seconds: Time from the first call on, in seconds.
        answer_tokens: Length of an answer whose request sets no limit, in tokens.

    Example:
        >>> from catsdk import Budget
        >>> Budget(usd=2, requests=1_000).usd
        2.0
    """

    requests: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    usd: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0)
    answer_tokens: int = Field(default=4096, ge=1)

    @property
    def needs_room(self) -> bool:
        """Whether each request must say how long its answer may be."""
        return self.tokens is not None or self.usd is not None


BatchStage = Literal["rollouts", "synthesis", "rubrics", "verdicts", "other"]
STAGES: tuple[BatchStage, ...] = get_args(BatchStage)


class Batching(Options):
    """Calls that go through the provider's batch API: half the price, and hours instead of seconds.

    A batched call holds no place in flight, has no deadline of its own and is not hedged. Requests
    wait in `path` until a shard of them is full or the oldest has waited for `send_after`; what the
    batch brings is kept there too. The provider must have such an API: OpenAI and what speaks its
    Files and Batches, Anthropic, and vLLM by the files of `vllm run-batch`.

    Args:
        stages: What is batched: `rollouts`, `synthesis`, `rubrics`, `verdicts`, and `other` calls;
            the rest is sent directly. A text with commas also works.
        path: The file in which requests, batches and answers are kept, so that a program that is
            started again goes on with the batches that it had. `None` keeps them in memory: what
            is not answered when the client is closed is cancelled.
        deadline: Seconds after which a call is withdrawn from its batch and sent directly; `None`
            waits as long as the provider does.
        requests: Maximum number of requests in one batch; by default what the provider allows.
        megabytes: Maximum size of one batch, in megabytes; it is in memory while it is sent.
        enqueued_tokens: Most tokens of prompts in all batches of a model that have not ended;
            where the provider refuses more, fewer are sent from then on.
        send_after: Seconds that a request waits at most for a batch to be filled.
        poll: Seconds until a batch is asked for the first time how far it is; each later wait is
            half as long again, up to twenty times as long.
        resubmit: How often a request is sent again for which a batch brings nothing: it expired,
            was cancelled, or its results lack it.
        confirm: Seconds that the provider's list is given to show a batch whose creation was not
            confirmed, before it is reported as ambiguous.
        waiting: Maximum number of prompts in memory while their calls wait.
        endpoint: The path that is named in OpenAI's lines; by default `/v1/chat/completions`, at
            Azure without `/v1`.
        folder: Where the files of `vllm run-batch` are written and looked for.

    Raises:
        InvalidInputError: a setting is out of its range.

    Example:
        >>> from catsdk import Client
        >>> from catsdk.runtime import Batching
        >>> Client(batch=Batching(stages=("rollouts", "verdicts"), deadline=6 * 3600)).sending.batch
        Batching(stages=('rollouts', 'verdicts'), deadline=21600.0)
    """

    stages: tuple[BatchStage, ...] = STAGES
    path: str | None = Field(default=None, min_length=1)
    deadline: float | None = Field(default=None, gt=0)
    requests: int | None = Field(default=None, ge=1)
    megabytes: float = Field(default=90.0, gt=0)
    enqueued_tokens: int | None = Field(default=None, ge=1)
    send_after: float = Field(default=30.0, ge=0)
    poll: float = Field(default=30.0, gt=0)
    resubmit: int = Field(default=3, ge=0)
    confirm: float = Field(default=120.0, ge=0)
    waiting: int = Field(default=2_000, ge=1)
    endpoint: str | None = Field(default=None, min_length=1)
    folder: str | None = Field(default=None, min_length=1)

    @field_validator("stages", mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(word.strip() for word in value.split(",") if word.strip())


class Limits(Options):
    """How many calls go to one endpoint and model, and how fast; `None` is no limit.

    Args:
        in_flight: Maximum number of concurrent requests.
        adaptive: Whether to send fewer while the service refuses requests or gets slower.
        requests_per_minute: Maximum number of requests in any minute.
        tokens_per_minute: Maximum number of tokens in any minute.

    Example:
        >>> from catsdk import Client, Limits
        >>> Client(limits=Limits(in_flight=8, requests_per_minute=500))
        Client(limits=Limits(in_flight=8, requests_per_minute=500.0))
    """

    in_flight: int = Field(default=64, ge=1)
    adaptive: bool = True
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)


class Retry(Options):
    """How transient failures are retried.

    Args:
        times: How often a failed call is sent again; refusals (429, 503) three times as often,
            timeouts and unreadable replies half as often. 0 turns retries off.
        max_retry_after: Longest wait that a service may ask for, in seconds.

    Example:
        >>> from catsdk import Client, Retry
        >>> Client(retry=Retry(times=8)).sending.retry.max_retry_after
        120.0
    """

    times: int = Field(default=4, ge=0)
    max_retry_after: float = Field(default=120.0, ge=0)


class Hedge(Options):
    """A second copy of a slow call; the first answer wins.

    Args:
        share: Maximum number of extra requests, as a share of all requests, in 0..1.

    Example:
        >>> from catsdk import Client
        >>> from catsdk.runtime import Hedge
        >>> Client(hedge=Hedge(share=0.02)).sending.hedge
        Hedge(share=0.02)
    """

    share: float = Field(default=0.07, gt=0, le=1)


class Cache(Options):
    """A cache of answers, so that an equal call is not paid for again.

    Args:
        path: `memory`, or the path of a file that several processes may share.
        max_bytes: Size at which the least recently used answers are dropped.
        seconds: Age at which an answer is dropped; `None` keeps it.

    Example:
        >>> from catsdk import Cache, Client
        >>> Client(cache=Cache(path="answers.db", seconds=86_400)).sending.cache.path
        'answers.db'
    """

    path: str = Field(default="memory", min_length=1)
    max_bytes: int = Field(default=2**30, ge=0)
    seconds: float | None = Field(default=None, gt=0)


class Timeouts(Options):
    """How long calls may take, in seconds.

    Args:
        attempt: One attempt.
        call: One call with all its attempts and waits.

    Example:
        >>> from catsdk import Client, Timeouts
        >>> Client(timeouts=Timeouts(attempt=60)).sending.timeouts.call
        1800.0
    """

    attempt: float = Field(default=600.0, gt=0)
    call: float = Field(default=1800.0, gt=0)


class Http(Options):
    """How connections to services are made; what is `None` is left to the environment.

    Args:
        proxy: URL of the proxy through which every service is reached, such as
            `http://proxy.example:8080`; by default `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
            One that needs a password is given by those variables: settings hold no secrets.
        ca: Path of a PEM file with the certificates that are trusted, instead of those of
            `SSL_CERT_FILE`, `SSL_CERT_DIR` or this machine.

    Raises:
        InvalidInputError: `proxy` is not an http(s) URL, or has a user or password in it.

    Example:
        >>> from catsdk import Client, Http
        >>> Client(http=Http(proxy="http://proxy.example:8080"))
        Client(http=Http(proxy='http://proxy.example:8080'))
    """

    proxy: str | None = None
    ca: str | None = Field(default=None, min_length=1)

    @field_validator("proxy")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return value
        if "@" in value:
            # Not a ValueError, whose message would include the value with the password.
            raise InvalidInputError(
                "it holds a user or password: set HTTPS_PROXY in the environment instead"
            )
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("give a URL such as 'http://proxy.example:8080'")
        return value


class Telemetry(Options):
    """OpenTelemetry spans and metrics of every attempt.

    Args:
        enabled: Whether they are written; `None` turns them on where the process has loaded
            OpenTelemetry's SDK.
        content: Whether prompts and answers go into the spans.

    Example:
        >>> from catsdk import Client
        >>> from catsdk.runtime import Telemetry
        >>> Client(telemetry=Telemetry(enabled=True, content=True)).sending.telemetry.content
        True
    """

    enabled: bool | None = None
    content: bool = False


class Price(Value):
    """What a model costs, in US dollars for a million tokens.

    Args:
        input: Price of the prompt's tokens.
        output: Price of the answer's tokens.
        batch: The share of these prices that a batched call costs; by default 0.5 at OpenAI, Azure
            and Anthropic, and 1 at other addresses.

    Example:
        >>> from catsdk import Budget, Client
        >>> from catsdk.runtime import Price
        >>> Client(budget=Budget(usd=5), prices={"my-model": Price(input=0.2, output=0.8)})
        Client(budget=Budget(usd=5.0), prices={'my-model': Price(input=0.2, output=0.8)})
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    batch: float | None = Field(default=None, ge=0, le=1)


class SendingFields(BaseModel):
    """The settings of a client, shared by `Sending` and the environment's `Settings`."""

    model_config = ConfigDict(defer_build=True)

    budget: Budget | None = Field(default=None, description="caps on what all calls may use")
    batch: Batching | None = Field(
        default=None, description="send calls through the provider's batch API, at half the price"
    )
    limits: Limits = Field(default_factory=Limits, description="calls at once and per minute")
    retry: Retry = Field(default_factory=Retry, description="how transient failures are retried")
    hedge: Hedge | None = Field(
        default=None, description="send a straggling call a second time; the first answer wins"
    )
    cache: Cache | None = Field(
        default=None, description="keep answers: `memory`, a path, or a Cache"
    )
    timeouts: Timeouts = Field(
        default_factory=Timeouts, description="seconds for an attempt, a call"
    )
    http: Http = Field(default_factory=Http, description="proxy and trusted certificates")
    telemetry: Telemetry = Field(
        default_factory=Telemetry, description="OpenTelemetry spans, metrics"
    )
    prices: dict[str, Price] = Field(
        default_factory=dict[str, Price],
        description="dollars for a million tokens, by the model's name; before the known prices",
    )

    @field_validator("batch", "hedge", "cache", "telemetry", mode="before")
    @classmethod
    def _from_its_short_form(cls, value: Any, info: ValidationInfo) -> Any:
        return whole_section(info.field_name or "", value)


class Sending(SendingFields, Options):
    """All settings of a client as one value; see `Client` for their meaning.

    Raises:
        InvalidInputError: a setting is unknown or out of its range.
    """


def whole_section(name: str, value: Any) -> Any:
    """The parts of a section that is given by its short form; any other value stays as it is.

    Args:
        name: The section: `batch`, `hedge` and `telemetry` may be a truth value, `cache` a path.
        value: What is given for it, from a program or, as a text, from the environment.

    Returns:
        A mapping of the parts that the short form sets, or `None` if it turns the section off.
    """
    if name == "cache" and isinstance(value, str):
        return {"path": value} if value else None
    word = value.lower() if isinstance(value, str) else value
    on = word is True or word in _ON
    if not on and not (word is False or word in _OFF):
        return value
    if name == "telemetry":
        return {"enabled": on}
    if name in ("batch", "hedge"):
        return {} if on else None
    return value
