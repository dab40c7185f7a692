"""KeptFailure: the failure of a batched call, as the journal stores it until it is collected."""

from __future__ import annotations

from typing import Self

from catsdk.core.errors import CatError, UnsupportedError, error_of
from catsdk.core.types import Failure

__all__ = ["KeptFailure"]


class KeptFailure(Failure):
    """A failure with what is needed to ask otherwise.

    Args:
        capability: What the model lacks, so that a sampler may do without it.
    """

    capability: str | None = None

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Return the data of an error.

        Args:
            error: The error.
        """
        lacks = error.capability if isinstance(error, UnsupportedError) else None
        return cls(**dict(Failure.of(error)), capability=lacks)

    @property
    def error(self) -> CatError:
        """The error that it was."""
        error = error_of(self)
        if isinstance(error, UnsupportedError):
            error.capability = self.capability or ""
        return error
