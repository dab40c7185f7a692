"""What happens while a reference is made, and call by call, as values in their order."""

from __future__ import annotations

import json

from catsdk.core.types import Call, Failure, Reference, Rollout, Value

__all__ = [
    "CallEnded",
    "CallStarted",
    "Event",
    "ReferenceReady",
    "RolloutArrived",
    "RolloutFailed",
    "RuntimeEvent",
    "SynthesisStarted",
    "TextArrived",
    "line_of",
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


class CallStarted(Value):
    """A request is sent, for a stage; `at` is in seconds of the calendar's clock."""

    at: float
    stage: str
    model: str


class CallEnded(Value):
    """A request ended: with which usage, after how long, and why where it failed.

    `sent` is false for one that was found wrong before it left, and used nothing.
    """

    at: float
    call: Call
    sent: bool = True


RuntimeEvent = CallStarted | CallEnded


def line_of(event: Event | RuntimeEvent) -> str:
    """One line of JSON: the kind of the event under `event`, then its fields."""
    return json.dumps({"event": type(event).__name__, **event.model_dump(mode="json")})
