"""The log-probabilities of a prompt's tokens, from what vLLM returns for each position."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from catsdk.core.errors import MalformedResponseError
from catsdk.core.types import TokenLogprob
from catsdk_providers.http.text import NOT_THE_WIRE, mended

__all__ = ["logprobs_from"]


def logprobs_from(
    positions: Sequence[Mapping[Any, Any] | None],
    ids: Sequence[int],
    start: int,
    *,
    model: str,
    read: Callable[[Mapping[Any, Any], int], tuple[str, float]],
) -> tuple[TokenLogprob, ...]:
    """The tokens of `ids` from `start` on; `read` returns a token's text and log-probability.

    Raises:
        MalformedResponseError: a position is missing.
    """
    try:
        if len(positions) != len(ids):
            raise ValueError(f"{len(positions)} positions for {len(ids)} tokens")
        told = [read(positions[at] or {}, ids[at]) for at in range(start, len(ids))]
        # Rounding can push a value above zero.
        return tuple(TokenLogprob(token=mended(t), logprob=min(value, 0.0)) for t, value in told)
    except NOT_THE_WIRE as error:
        raise MalformedResponseError(
            f"{model}: the log-probabilities of the prompt are missing"
            f" ({type(error).__name__}: {error})",
            model=model,
        ) from error
