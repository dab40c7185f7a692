"""How long the tests run that try random inputs: `MINUTES` of `make soak`, each of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import monotonic

__all__ = ["rounds"]


def rounds(default: float = 10.0) -> Iterator[int]:
    """Count rounds until the minutes are over; there is one at least."""
    end = monotonic() + 60 * float(os.environ.get("MINUTES", default))
    at = 0
    while at == 0 or monotonic() < end:
        yield at
        at += 1
