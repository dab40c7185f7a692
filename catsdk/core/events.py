"""The events of a run and of its calls, as values, in their order."""

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
    """A step of the method."""

    item: int | None = None
    """The place of its prompt among those of a `map`."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Leave `item` out if there is only one prompt."""
        return ((k, v) for k, v in super().__repr_args__() if k != "item" or v is not None)


class RolloutArrived(MethodEvent):
    """A rollout is there; rollouts arrive in any order.

    Args:
        rollout: The rollout.

    Example:
        >>> from catsdk import group_of
        >>> from catsdk.events import RolloutArrived
        >>> RolloutArrived(rollout=group_of("6*7?", ["42"]).rollouts[0]).rollout.text
        '42'
    """

    rollout: Rollout


class RolloutFailed(MethodEvent):
    """The rollout with this index will not come.

    Args:
        index: The rollout's index.
        failure: Why.

    Example:
        >>> from catsdk.events import RolloutFailed
        >>> from catsdk.types import Failure
        >>> failure = Failure(kind="TimedOutError", message="no answer in 60 s")
        >>> str(RolloutFailed(index=3, failure=failure).failure)
        'TimedOutError: no answer in 60 s'
    """

    index: int
    failure: Failure


class EstimationStarted(MethodEvent):
    """The estimator begins.

    Args:
        rollouts: How many rollouts it was given.

    Example:
        >>> from catsdk.events import EstimationStarted
        >>> EstimationStarted(rollouts=8)
        EstimationStarted(rollouts=8)
    """

    rollouts: int


class TextArrived(MethodEvent):
    r"""The next piece of the anchor's text.

    Args:
        text: The piece, as the anchor wrote it.
        response: What the piece adds to the response, which is what to show to a reader: where the
            anchor was asked for a summary before its response, the response alone becomes the
            reference.

    Example:
        >>> from catsdk.events import TextArrived
        >>> heading = TextArrived(text="# UNIFIED RESPONSE\nIt", response="It")
        >>> "".join(event.response for event in (heading, TextArrived(text="!", response="!")))
        'It!'
    """

    text: str
    response: str = ""


class ReferenceReady(MethodEvent):
    r"""The reference is there, with its evidence.

    Args:
        reference: The reference.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.events import ReferenceReady
        >>> c, seen = cat.CaT(estimator=cat.Majority()), []
        >>> result = await c.run(cat.group_of("6*7?", [r"\boxed{42}"]), on_event=seen.append)
        >>> [event.reference.answer for event in seen if isinstance(event, ReferenceReady)]
        ['42']
    """

    reference: Reference


class RubricReady(MethodEvent):
    """A rubric is there, by which the rollouts are judged.

    Args:
        rubric: The rubric.

    Example:
        >>> from catsdk import Criterion, Rubric
        >>> from catsdk.events import RubricReady
        >>> from catsdk.types import Provenance
        >>> criteria = (Criterion(id="r1", text="Names the rain."),)
        >>> rubric = Rubric(criteria=criteria, provenance=Provenance(method="by hand"))
        >>> RubricReady(rubric=rubric).rubric.criteria[0].text
        'Names the rain.'
    """

    rubric: Rubric


class RewardsReady(MethodEvent):
    """The rewards are there.

    Args:
        scores: One score for each rollout.

    Example:
        >>> from catsdk import Score
        >>> from catsdk.events import RewardsReady
        >>> RewardsReady(scores=(Score(index=0, value=1.0),)).scores[0].value
        1.0
    """

    scores: tuple[Score, ...]


class ResultReady(MethodEvent):
    r"""The whole result: the last event of a run.

    Args:
        result: The result.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: r"\boxed{4}")
        >>> async with cat.CaT(policy, estimator=cat.Majority()) as c:
        ...     async for event in c.stream("2+2?", n=2):
        ...         if isinstance(event, cat.events.ResultReady):
        ...             print(event.result.answer)
        4
    """

    result: Result


class CallStarted(Value):
    """A request is sent.

    Args:
        at: When, in seconds since 1970.
        stage: The step of the method that it is sent for.
        model: The model that is asked.

    Example:
        >>> from catsdk.events import CallStarted
        >>> CallStarted(at=1_767_225_600.0, stage="sample", model="openai:gpt-5").stage
        'sample'
    """

    at: float
    stage: str
    model: str


class CallEnded(Value):
    """A request ended.

    Args:
        at: When, in seconds since 1970.
        call: What it used, how long it took, and why it failed where it did.
        sent: Whether it was sent; one that was found wrong before it left used nothing.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> def watch(event):
        ...     if isinstance(event, cat.events.CallEnded):
        ...         print(event.call.stage, event.call.model, event.call.usage.requests)
        >>> policy = FunctionProvider(lambda request: "4", name="mine")
        >>> client = cat.Client(on_event=watch)
        >>> group = await cat.CaT(policy, client=client).sample("2+2?", n=2)
        sample mine 1
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
"""Anything that a run tells while it runs."""


def line_of(event: Event) -> str:
    """Return an event as one line of JSON: its kind under `event`, then its fields.

    Args:
        event: The event.

    Example:
        >>> from catsdk.events import EstimationStarted, line_of
        >>> line_of(EstimationStarted(rollouts=8))
        '{"event": "EstimationStarted", "item": null, "rollouts": 8}'
    """
    return json.dumps({"event": type(event).__name__, **event.model_dump(mode="json")})
