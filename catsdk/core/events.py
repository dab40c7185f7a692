"""What happens while a reference is made, as values in the order in which it happens."""

from __future__ import annotations

from catsdk.core.types import Failure, Reference, Rollout, Value

__all__ = [
    "Event",
    "ReferenceReady",
    "RolloutArrived",
    "RolloutFailed",
    "SynthesisStarted",
    "TextArrived",
]


class RolloutArrived(Value):
    """A rollout is there; rollouts arrive in any order."""

    rollout: Rollout


class RolloutFailed(Value):
    """The rollout with this index will not come."""

    index: int
    failure: Failure


class SynthesisStarted(Value):
    """The anchor was given this many rollouts."""

    rollouts: int


class TextArrived(Value):
    """The next piece of the anchor's text."""

    text: str


class ReferenceReady(Value):
    """The reference, with its evidence: the last event."""

    reference: Reference


Event = RolloutArrived | RolloutFailed | SynthesisStarted | TextArrived | ReferenceReady
