"""Options of a command as the fields of a value, so that commands can share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from catsdk.core.options import Sampling
from catsdk.core.sending import Budget

__all__ = ["OfRows", "Sampled", "budget_of", "taking"]

T = TypeVar("T")

Models = Annotated[
    list[str] | None, typer.Option("--model", "-m", help="Policy; several times for a mix.")
]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Most new tokens of one answer.")]
Config = Annotated[
    Path | None,
    typer.Option(help="A CaT in YAML (`CaT.to_yaml`), in place of the options that describe one."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Take only the first rows.")]
InFlight = Annotated[int | None, typer.Option(min=1, help="Most calls of a model at once.")]


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """How answers are sampled."""

    model: Models = None
    temperature: Temperature = None
    max_tokens: MaxTokens = None

    @property
    def sampling(self) -> Sampling:
        """The settings of the policy."""
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens)


@dataclass(frozen=True, kw_only=True)
class OfRows(Sampled):
    """How answers are sampled for many rows, and how many calls are out at once."""

    config: Config = None
    limit: Limit = None
    max_in_flight: InFlight = None


def budget_of(max_requests: int | None, max_usd: float | None) -> Budget | None:
    """The caps that a command was given; `None` where it was given none.

    Args:
        max_requests: The most requests.
        max_usd: The most US dollars.
    """
    if max_requests is None and max_usd is None:
        return None
    return Budget(requests=max_requests, usd=max_usd)


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Give a command one argument per field of the dataclass `options`, as typer reads them.

    Args:
        options: Its fields are annotated as typer's parameters are, and each has a default.

    Returns:
        A decorator of a function of one `options`.
    """
    own = vars(options)["__annotations__"]
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=Parameter.empty if field.default is MISSING else field.default,
        )
        # What commands share is listed last.
        for field in sorted(fields(options), key=lambda field: field.name not in own)  # type: ignore[arg-type]
    ]

    def decorated(command: Callable[[T], None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            command(options(**given))

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorated
