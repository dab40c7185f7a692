"""What services have refused, learnt once a process: a model's capabilities less those."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from catsdk.core.errors import UnsupportedError
from catsdk.core.ports import Capabilities

__all__ = ["Learnt"]

# (service, model) -> names of capabilities.
_lacking: dict[tuple[str, str], set[str]] = {}


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one model at one service (its URL, say) was found to lack; all its providers share it."""

    service: str
    model: str

    def lacks(self, capability: str) -> None:
        """Learn that the model lacks `capability`, a field of `Capabilities`."""
        _lacking.setdefault((self.service, self.model), set()).add(capability)

    def refused(self, error: UnsupportedError) -> None:
        """Learn from a refusal; one that names no field of `Capabilities` teaches nothing."""
        if isinstance(getattr(Capabilities(), error.capability, None), bool):
            self.lacks(error.capability)

    def within(self, declared: Capabilities) -> Capabilities:
        """The declared capabilities less what was refused."""
        lacking = _lacking.get((self.service, self.model))
        if not lacking:
            return declared
        without: dict[str, Any] = dict.fromkeys(lacking, False)
        return replace(declared, **without)
