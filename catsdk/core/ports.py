"""The port of a model: one method, and what a provider may declare about itself.

Any object with the method takes part; nothing needs to be inherited. A provider may declare more
about itself in the attributes `name`, `capabilities`, `count_tokens` and `wire`; `capabilities_of`
and its siblings read them with a cautious default. `loads_here = True` says that opening it takes
long, because a model is loaded into this process; `moves = True`, that its answers change while it
is used, as those of a model in training, so that none is kept. One that can score a given text is a
`Scorer` too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

from pydantic import PrivateAttr

from catsdk.core.types import Completion, Message, Request

__all__ = [
    "Capabilities",
    "CountedRequest",
    "OnText",
    "Provider",
    "Scorer",
    "TokenCounter",
    "before_sending_again",
    "capabilities_of",
    "declared",
    "innermost",
    "name_of",
    "tokens_of",
    "wire_of",
]

OnText = Callable[[str], None]


@runtime_checkable
class Provider(Protocol):
    """A model behind some service: any object with an async method `complete`.

    It may declare more about itself in the attributes `name` and `capabilities`.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.types import Completion
        >>> class Parrot:
        ...     name = "parrot"
        ...     async def complete(self, request, on_text=None):
        ...         return [Completion(text=request.messages[-1].text)] * request.n
        >>> (await cat.synthesize("Polly?", n=2, model=Parrot())).group.rollouts[0].text
        'Polly?'
    """

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer a request.

        Args:
            request: What is asked, and how it is sampled.
            on_text: Receives the pieces of the text of the first completion as they arrive.

        Returns:
            `request.n` completions, in order.

        Raises:
            ProviderError: the service failed; the subclass says how.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """A provider that can say how probable a given answer is under its model.

    What wraps a provider has the method too, and raises `UnsupportedError` where that has not.
    """

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """`text` as the answer to `messages`, with the log-probability of each of its tokens.

        The log-probabilities are natural logarithms under the model's own distribution
        (temperature 1, no cuts), each token given the prompt and the tokens before it; the token
        that would end the answer is not among them. The tokens of prompt and text are the usage's
        input.

        Raises:
            InvalidInputError: `text` is empty.
            ProviderError: the service failed, or prompt and text do not fit into the context.
        """
        ...


@runtime_checkable
class TokenCounter(Protocol):
    """A provider that knows its own tokens."""

    def count_tokens(self, text: str) -> int:
        """The length of `text` in tokens."""
        ...


class CountedRequest(Request):
    """A request of a caller who counts each time that it is sent, and may allow no further one.

    A provider answers it as any other request. One that sends something else once more after a
    refusal asks by `before_sending_again` first.
    """

    _allow: Callable[[], None] = PrivateAttr()

    @classmethod
    def by(cls, request: Request, allow: Callable[[], None]) -> CountedRequest:
        """Make one of `request`; `allow` raises `BudgetExceededError` where no more may be sent."""
        counted = cls.model_construct(request.model_fields_set, **dict(request))
        counted._allow = allow
        return counted

    def allow(self) -> None:
        """Count one more sending.

        Raises:
            BudgetExceededError: it is not allowed; nothing was counted.
        """
        self._allow()


def before_sending_again(request: Request) -> None:
    """Count one more sending of `request` with whoever counts them.

    Raises:
        BudgetExceededError: a budget does not allow it.
    """
    if isinstance(request, CountedRequest):
        request.allow()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model's service can do by itself; anything else is emulated, or refused by name.

    Args:
        n: Several answers to one request.
        logprobs: The log-probabilities of sampled tokens.
        seed: Repeatable sampling under a seed.
        json_schema: Text that fits a given schema.
        tools: A function that the model must call.
        system: Messages of the role `system`.
        temperature: Settings of sampling: `temperature`, `top_p` and `top_k`.
        streaming: Text piece by piece as it is written.
        context_length: Maximum tokens of prompt and answer together; `None` is unknown.
        prompts: The name of the prompt set that the model understands best.

    Example:
        >>> from catsdk import Capabilities
        >>> Capabilities(n=True, context_length=8192).seed
        False
    """

    n: bool = False
    logprobs: bool = False
    seed: bool = False
    json_schema: bool = False
    tools: bool = False
    system: bool = True
    temperature: bool = True
    streaming: bool = False
    context_length: int | None = None
    prompts: str = "english"


def declared(provider: object, attribute: str, default: object = None) -> object:
    """What `provider` says of itself in `attribute`, or else what the provider inside it says.

    A wrapper has the provider that it wraps in `wrapped`: it is the same model at the same place,
    so its name, endpoint, address and price stay those of the wrapped one.

    Args:
        provider: A provider, wrapped or not.
        attribute: The attribute's name.
        default: What is given where none of them has it.
    """
    missing = object()
    while True:
        value = getattr(provider, attribute, missing)
        if value is not missing:
            return value
        inner = getattr(provider, "wrapped", None)
        if inner is None or inner is provider:
            return default
        provider = inner


def innermost(provider: Provider) -> Provider:
    """The provider inside of all wrappers."""
    while (inner := getattr(provider, "wrapped", None)) is not None and inner is not provider:
        provider = inner
    return provider


def capabilities_of(provider: Provider) -> Capabilities:
    """What `provider` declares, or the cautious default."""
    able = declared(provider, "capabilities")
    return able if isinstance(able, Capabilities) else Capabilities()


def name_of(provider: Provider) -> str:
    """The name that calls of `provider` are listed under."""
    name = declared(provider, "name")
    return name if isinstance(name, str) else type(provider).__name__


def wire_of(provider: Provider) -> str | None:
    """The dialect in which a provider's `Request.extra` goes to its service.

    `chat` is that of OpenAI's chat completions and `messages` Anthropic's; `None` is a provider
    that sends no such fields.
    """
    wire = declared(provider, "wire")
    return wire if isinstance(wire, str) else None


def tokens_of(provider: Provider, text: str) -> int:
    """The length of `text` in tokens: counted where `provider` can, else three characters each."""
    count = declared(provider, "count_tokens")
    if callable(count):
        return cast("int", count(text))
    return len(text) // 3 + 1
