"""What happens while a reference is made and rewarded, and call by call, as values in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from catsdk.core.types import Call, Failure, Reference, Result, Rollout, Rubric, Score
from catsdk.core.value import Value

__all__ = [
    "CallEnded",
    "CallStarted",
    "EstimationStarted",
    "Event",
    "ReferenceReady",
    "ResultReady",
    "RewardsReady",
    "RolloutArrived",
    "RolloutFailed",
    "RubricReady",
    "TextArrived",
    "line_of",
]


class MethodEvent(Value):
    """A step of the method; `item` is the place of its prompt among those of a `map`."""

    item: int | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Leave `item` out where there is one prompt alone."""
        return ((k, v) for k, v in super().__repr_args__() if k != "item" or v is not None)


class RolloutArrived(MethodEvent):
    """A rollout is there; rollouts arrive in any order."""

    rollout: Rollout


class RolloutFailed(MethodEvent):
    """The rollout with this index will not come."""

    index: int
    failure: Failure


class EstimationStarted(MethodEvent):
    """The estimator was given this many rollouts."""

    rollouts: int


class TextArrived(MethodEvent):
    """The next piece of the anchor's text."""

    text: str


class ReferenceReady(MethodEvent):
    """The reference, with its evidence."""

    reference: Reference


class RubricReady(MethodEvent):
    """A rubric by which the rollouts are judged."""

    rubric: Rubric


class RewardsReady(MethodEvent):
    """The reward of each rollout."""

    scores: tuple[Score, ...]


class ResultReady(MethodEvent):
    """The whole result: the last event."""

    result: Result


class CallStarted(Value):
    """A request is sent, for a stage; `at` is in seconds since 1970."""

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


Event = (
    RolloutArrived
    | RolloutFailed
    | EstimationStarted
    | TextArrived
    | ReferenceReady
    | RubricReady
    | RewardsReady
    | ResultReady
    | CallStarted
    | CallEnded
)


def line_of(event: Event) -> str:
    """One line of JSON: the kind of the event under `event`, then its fields."""
    return json.dumps({"event": type(event).__name__, **event.model_dump(mode="json")})
