"""The error for a file that cannot be written, with its name and what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from catsdk.core.errors import ConfigurationError

__all__ = ["writing"]


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Write inside, and raise a `ConfigurationError` that names `path` where that fails.

    Args:
        path: The file, or the folder.

    Raises:
        ConfigurationError: the disk is full or fails, or `path` may not be written to.
    """
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error}; free some space and start again; no answer is lost"
        ) from error
