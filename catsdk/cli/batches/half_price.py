"""The options that choose which calls go through a provider's batch API, at half the price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from catsdk.core.errors import InvalidInputError
from catsdk.core.sending import STAGES, Batching
from catsdk.core.settings import Settings

__all__ = ["HalfPrice"]

_NAMES = ", ".join(STAGES)

Batch = Annotated[
    list[str] | None,
    typer.Option(
        help=f"Stages to send through the provider's batch API, at half the price: {_NAMES}; or"
        " all (repeatable)."
    ),
]
Live = Annotated[
    list[str] | None,
    typer.Option(help="Stages to send directly; the others are batched (repeatable)."),
]
Deadline = Annotated[
    float | None,
    typer.Option(min=0.0, help="Hours after which a call leaves its batch and is sent directly."),
]


@dataclass(frozen=True, kw_only=True)
class HalfPrice:
    """Which calls are batched, and for how long they may wait."""

    batch: Batch = None
    live: Live = None
    batch_deadline: Deadline = None

    @property
    def batching(self) -> Batching | None:
        """The settings, merged with those of the environment; `None` if nothing is batched.

        Raises:
            InvalidInputError: a stage is unknown, or both batched and sent directly.
        """
        usual = Settings().batch
        if not self.batch and not self.live:
            if self.batch_deadline is not None:
                raise InvalidInputError("--batch-deadline needs --batch or --live")
            return usual
        live = _stages("--live", self.live)
        batched = _stages("--batch", self.batch) or [each for each in STAGES if each not in live]
        both = sorted({*batched} & {*live})
        if both:
            raise InvalidInputError(
                f"--batch and --live both name {both[0]!r}; leave it out of one"
            )
        given: dict[str, object] = {"stages": tuple(batched)}
        if self.batch_deadline is not None:
            given["deadline"] = 3600 * self.batch_deadline
        rest = {} if usual is None else usual.model_dump(exclude_unset=True)
        return Batching.model_validate(rest | given)


def _stages(option: str, given: list[str] | None) -> list[str]:
    """The stages that are named, each once; `--batch a,b` is the same as `--batch a --batch b`."""
    named = [word.strip() for word in ",".join(given or ()).split(",")]
    words = list(dict.fromkeys(word for word in named if word))
    if words == ["all"]:
        return list(STAGES)
    unknown = [word for word in words if word not in STAGES]
    if unknown:
        raise InvalidInputError(f"{option} names {unknown[0]!r}; choose from {_NAMES}")
    return words
