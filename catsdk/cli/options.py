"""Options of commands as fields of dataclasses, so that commands can share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from inspect import Parameter, Signature, get_annotations
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from catsdk.core.options import Sampling
from catsdk.core.sending import Budget

__all__ = ["Anchor", "AsJson", "Column", "Count", "OfRows", "Sampled", "taking"]

T = TypeVar("T")

# Shared by several commands, each of which lists them among its own options.
Anchor = Annotated[
    str | None, typer.Option(help="Model that synthesizes; default: CATSDK_ANCHOR, or the policy.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
Column = Annotated[
    str | None, typer.Option(help="Name of the column, if it is not one of the usual names.")
]
Count = Annotated[int, typer.Option("-n", help="Number of rollouts G.")]

Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="Policy; repeat the option to mix several."),
]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature.")]
MaxTokens = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of new tokens in one answer.")
]
Seed = Annotated[
    int | None, typer.Option(help="Makes a run repeatable, if the model supports seeds.")
]
MaxRequests = Annotated[
    int | None, typer.Option(help="Budget: maximum number of requests, over all stages.")
]
MaxUsd = Annotated[float | None, typer.Option(help="Budget: maximum US dollars, over all stages.")]
Config = Annotated[
    Path | None,
    typer.Option(help="A CaT in YAML (`CaT.to_yaml`), instead of the options that describe one."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only this many rows, the first.")]
InFlight = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of concurrent calls to one model.")
]


@dataclass(frozen=True, kw_only=True)
class Capped:
    """The budget of a command."""

    max_requests: MaxRequests = None
    max_usd: MaxUsd = None

    @property
    def budget(self) -> Budget | None:
        """The caps that were given; `None` if there are none."""
        if self.max_requests is None and self.max_usd is None:
            return None
        return Budget(requests=self.max_requests, usd=self.max_usd)


@dataclass(frozen=True, kw_only=True)
class Sampled(Capped):
    """How answers are sampled, and the budget."""

    model: Models = None
    temperature: Temperature = None
    max_tokens: MaxTokens = None
    seed: Seed = None

    @property
    def sampling(self) -> Sampling:
        """The settings of the policy."""
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens)


@dataclass(frozen=True, kw_only=True)
class OfRows(Sampled):
    """How answers are sampled for many rows, and how many calls are concurrent."""

    prompt_column: Column = None
    config: Config = None
    limit: Limit = None
    max_in_flight: InFlight = None


def _default_of(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return Parameter.empty if field.default is MISSING else field.default


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Turn a function of one `options` into a command with one argument for each of its fields.

    Args:
        options: A dataclass whose fields are annotated as typer's parameters are.

    Returns:
        A decorator for the function.
    """
    own = list(get_annotations(options))
    hints = get_type_hints(options, include_extras=True)

    def place(field: Field[Any]) -> int:
        # A command's own options are listed before the shared ones.
        return own.index(field.name) if field.name in own else len(own)

    parameters = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=_default_of(field),
        )
        for field in sorted(fields(options), key=place)  # type: ignore[arg-type]
    ]

    def decorated(command: Callable[[T], None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            command(options(**given))

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorated
