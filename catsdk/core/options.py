"""Options that a user sets by name: a wrong value raises an error with name, value and rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue, ValidationError

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Message, Request
from catsdk.core.value import Value

__all__ = ["Options", "Sampling", "check_sampling"]


# The most wrong options that one error names.
_MOST = 8


class Options(Value):
    """A frozen set of options.

    Raises:
        InvalidInputError: an option is unknown or out of its range.
    """

    # Hidden from type checkers, which take the names and types of the options from the fields.
    if not TYPE_CHECKING:

        def __init__(self, **options: Any) -> None:
            try:
                super().__init__(**options)
            except ValidationError as error:
                fields = type(self).model_fields
                known = [field.alias or name for name, field in fields.items()]
                told = "; ".join(_told(detail, known) for detail in error.errors()[:_MOST])
                raise InvalidInputError(f"{type(self).__name__}: {told}") from None


def _told(detail: Any, known: Iterable[str]) -> str:
    name = f"{'.'.join(map(str, detail['loc'])):.200}"
    if detail["type"] == "extra_forbidden":
        return f"there is no option {name!r}; there are {', '.join(known)}"
    if detail["type"] == "missing":
        return f"{name} is missing"
    # The error of a section already has its name and value.
    if detail["type"] == "value_error" and isinstance(detail["ctx"]["error"], InvalidInputError):
        return f"in {name}, {detail['ctx']['error']}"
    return f"{name} is {detail['input']!r:.200}: {detail['msg']:.400}"


class Sampling(Options):
    """How a model is sampled; `None` leaves a setting to the model.

    The paper's settings: temperature 1.0, top-k 64, top-p 0.95 (Gemma 3); 0.7, 20, 0.8 (Qwen 3);
    0.7, 50, 0.9 (Llama 3.1); 1,536 new tokens on MATH-500, 1,024 on HealthBench.

    Args:
        temperature: Sampling temperature, from 0 (greedy).
        top_p: Share of the probability mass to sample from, over 0 and at most 1.
        top_k: Number of the most probable tokens to sample from, at least 1.
        max_tokens: Maximum length of an answer, in tokens.
        stop: Texts at which an answer ends.
        logprobs: Whether the log-probability of each token is wanted.
        extra: Fields that are sent to the vendor unchanged.

    Raises:
        InvalidInputError: an option is unknown or out of its range.

    Example:
        >>> from catsdk import Sampling
        >>> Sampling(temperature=1.0, top_k=64, top_p=0.95, max_tokens=1536)
        Sampling(temperature=1.0, top_p=0.95, top_k=64, max_tokens=1536)
    """

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    extra: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])

    def request(
        self, messages: tuple[Message, ...], *, n: int = 1, seed: int | None = None
    ) -> Request:
        """Return the request that asks a model in this way.

        Args:
            messages: The conversation.
            n: How many answers are wanted.
            seed: Makes them repeatable if the model supports seeds.
        """
        return Request(messages=messages, n=n, seed=seed, **dict(self))


def check_sampling(sampling: object) -> None:
    """Refuse what is no `Sampling`.

    Raises:
        InvalidInputError: it is something else.
    """
    if not isinstance(sampling, Sampling):
        raise InvalidInputError(
            f"sampling is {sampling!r:.80}; give a Sampling such as Sampling(top_p=0.9)"
        )
