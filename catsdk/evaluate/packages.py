"""Checks that the packages of a report are installed, before anything is paid for."""

from __future__ import annotations

from importlib.util import find_spec

from catsdk.core.errors import MissingExtraError
from catsdk.core.installing import install_command

__all__ = ["FIGURES", "NUMBERS", "PARQUET", "check_packages"]

NUMBERS, FIGURES, PARQUET = "numpy", "matplotlib", "pyarrow"


def check_packages(*names: str) -> None:
    """Look for the packages without importing them.

    Raises:
        MissingExtraError: one is not installed.
    """
    absent = [name for name in names if find_spec(name) is None]
    if absent:
        raise MissingExtraError(
            f"a report needs {' and '.join(absent)}: {install_command('evaluate')}"
        )
