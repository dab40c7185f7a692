"""Remembers what services turned out to lack, and their quirks, once per process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from catsdk.core.errors import UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Request

__all__ = ["Quirks", "forget", "refuse_n"]

# (service, model) -> names of capabilities, and of habits.
_lacking: dict[tuple[str, str], frozenset[str]] = {}
_habits: dict[tuple[str, str], set[str]] = {}


def refuse_n(request: Request, able: Capabilities, name: str) -> None:
    """Refuse a request for several answers to a model that gives one; `name` is the provider's.

    Raises:
        UnsupportedError: several answers are asked for, and the model gives one.
    """
    if request.n > 1 and not able.n:
        raise UnsupportedError(
            f"{name} returns one completion a request; send {request.n} requests",
            capability="n",
            model=name,
        )


def forget() -> None:
    """Forget all: for a process in which others answer at the same addresses, as in tests."""
    _lacking.clear()
    _habits.clear()


@dataclass(frozen=True, slots=True)
class Quirks:
    """What one model at one service (its URL, say) was found to do; all its providers share it."""

    service: str
    model: str

    def lacks(self, capability: str) -> None:
        """Learn that the model lacks `capability`, a field of `Capabilities`."""
        known = _lacking.get((self.service, self.model), frozenset())
        _lacking[self.service, self.model] = known | {capability}

    def refused(self, error: UnsupportedError) -> None:
        """Learn from a refusal; one that names no field of `Capabilities` teaches nothing."""
        if isinstance(getattr(Capabilities(), error.capability, None), bool):
            self.lacks(error.capability)

    def within(self, declared: Capabilities) -> Capabilities:
        """The declared capabilities less what was refused."""
        lacking = _lacking.get((self.service, self.model))
        return declared if lacking is None else _without(declared, lacking)

    def does(self, habit: str) -> None:
        """Learn a habit of the service, such as that its usage counts one choice only."""
        _habits.setdefault((self.service, self.model), set()).add(habit)

    def is_known_to(self, habit: str) -> bool:
        """Whether the habit was seen."""
        return habit in _habits.get((self.service, self.model), ())


@lru_cache(maxsize=256)
def _without(declared: Capabilities, lacking: frozenset[str]) -> Capabilities:
    # Cached, since it is needed several times per call.
    without: dict[str, Any] = dict.fromkeys(lacking, False)
    return replace(declared, **without)
