"""The ports: one-method protocols through which the parts of the method meet.

Any object with the method takes part; nothing needs to be inherited. A provider may declare more
about itself in the attributes `name`, `capabilities` and `count_tokens`; `capabilities_of` and
its siblings read them with a cautious default. One that can score a given text is a `Scorer` too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from catsdk.core.types import (
    Completion,
    Group,
    Message,
    Reference,
    Request,
    Rollout,
    Rubric,
    Score,
    Verdict,
)

__all__ = [
    "Capabilities",
    "Estimator",
    "Judge",
    "OnText",
    "Proposer",
    "Provider",
    "Rater",
    "Rewarder",
    "Sampler",
    "Scorer",
    "TokenCounter",
    "capabilities_of",
    "name_of",
    "tokens_of",
]

OnText = Callable[[str], None]


@runtime_checkable
class Provider(Protocol):
    """A model behind some service."""

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request` with `request.n` completions, in order.

        `on_text` receives the pieces of the text of the first completion as they arrive.

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


class Sampler(Protocol):
    """Draws a group of rollouts (paper, section 3.1)."""

    async def sample(self, prompt: str | Sequence[Message], n: int, *, start: int = 0) -> Group:
        """Draw the `n` rollouts from index `start`; those that fail are in `Group.failures`."""
        ...


class Estimator(Protocol):
    """Estimates a reference from a group (paper, section 3.2; any aggregator)."""

    async def estimate(self, group: Group) -> Reference:
        """The reference of `group`."""
        ...


class Proposer(Protocol):
    """Writes a rubric (paper, section 3.3)."""

    async def propose(self, reference: Reference) -> Rubric:
        """The rubric for `reference`."""
        ...


class Judge(Protocol):
    """Says which criteria a rollout meets (paper, section 3.3)."""

    async def judge(self, rubric: Rubric, rollout: Rollout) -> Sequence[Verdict]:
        """One verdict for each of the K criteria, in their order; a failure is a verdict."""
        ...


class Rewarder(Protocol):
    """Gives each rollout of a group its reward (paper, equation 1)."""

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> Sequence[Score]:
        """One score for each rollout, in their order; without evidence its value is `None`."""
        ...


class Rater(Protocol):
    """Rates each rollout of a group by itself, without a reference (a judge, a reward model)."""

    async def rate(self, group: Group) -> Sequence[Score]:
        """One score for each rollout that is there, in their order; higher is better."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model's service can do by itself.

    `tools` says that it takes a function which the model must call. `temperature` stands for
    `top_p` and `top_k` too. `prompts` names the prompt set that the model understands best.
    `context_length` is in tokens, prompt and answer together; `None` is unknown.
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


def capabilities_of(provider: Provider) -> Capabilities:
    """What `provider` declares, or the cautious default."""
    declared = getattr(provider, "capabilities", None)
    return declared if isinstance(declared, Capabilities) else Capabilities()


def name_of(provider: Provider) -> str:
    """The name that calls of `provider` are listed under."""
    name = getattr(provider, "name", None)
    return name if isinstance(name, str) else type(provider).__name__


def tokens_of(provider: Provider, text: str) -> int:
    """The length of `text` in tokens: counted where `provider` can, else three characters each."""
    if isinstance(provider, TokenCounter):
        return provider.count_tokens(text)
    return len(text) // 3 + 1
