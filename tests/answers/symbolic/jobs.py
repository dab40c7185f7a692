"""What the workers of the tests do: a payload names a behaviour, any other comes back."""

import os
import signal
from pathlib import Path
from typing import Any

__all__ = ["work"]


def hang_in_bytecode() -> None:
    while True:
        pass


def hang_in_one_operation() -> int:
    tower: int = 9 ** (9**9)
    return tower


def take_memory() -> int:
    return len([0] * 10**9)


def take_memory_slowly() -> int:
    taken: list[bytearray] = []
    while True:
        taken.append(bytearray(1 << 20))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise LookupError("as asked")


def answer_at_length() -> str:
    return "x" * (1 << 20)


BEHAVIOURS: dict[str, Any] = {
    "pid": os.getpid,
    "hang": hang_in_bytecode,
    "hang in one operation": hang_in_one_operation,
    "memory": take_memory,
    "memory, slowly": take_memory_slowly,
    "die": die,
    "fail": fail,
    "answer at length": answer_at_length,
}


def work(payload: Any) -> Any:
    if isinstance(payload, list) and payload[:1] == ["write"]:
        Path(payload[1]).write_text("x")
    if isinstance(payload, str) and payload in BEHAVIOURS:
        return BEHAVIOURS[payload]()
    return payload
