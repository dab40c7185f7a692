"""The exit codes of all commands, and what each means."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["EXIT_CODES", "MEANINGS", "ExitCode"]


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    WRONG_SET_UP = 2
    PARTIAL = 3
    UNLIKELY = 4
    STOPPED = 130


MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "a model, its service or every row failed, or a preflight cannot tell",
    ExitCode.WRONG_SET_UP: "wrong input or set-up",
    ExitCode.PARTIAL: "partial: a part of the result is missing, such as a row or a verdict",
    ExitCode.UNLIKELY: "a preflight says that the training is unlikely to pay",
    ExitCode.STOPPED: "stopped by Ctrl-C",
}

EXIT_CODES: Final = "Exit codes: " + "; ".join(
    f"{code.value} {meaning}" for code, meaning in MEANINGS.items()
)
"""All of them, as `--help` lists them."""
