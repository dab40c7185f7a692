"""Asked: the request of a client, independent of its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from catsdk.core.options import Options, Sampling
from catsdk.core.sending import Budget
from catsdk.core.types import Message
from catsdk.serve.gateway.tools import Tools

__all__ = ["Asked", "Shape", "Wanted"]

Return = Literal["progress", "rollouts", "summary"]


class Wanted(Options):
    """The field `cat` of a request: how its answer is made, within the operator's caps.

    Args:
        n: G, the number of rollouts.
        estimator: The name of one of the operator's estimators.
        budget: Caps on what the request may use.
        returns: What is told beside the answer: each step as it happens (`progress`) and the
            anchor's `summary` of the contradictions, both as reasoning, and the texts of the
            `rollouts`, in the field `cat` of the reply.
        tools: What becomes of a request with tools: `pass` it to the model, or `vote`, which
            samples n replies and gives the calls that most of them agree on.
        keep: Whether the whole result is kept as evidence, under the run's id.

    Raises:
        InvalidInputError: a setting is unknown or out of its range.
    """

    n: int | None = Field(default=None, ge=1)
    estimator: str | None = None
    budget: Budget | None = None
    returns: tuple[Return, ...] = Field(default=(), alias="return")
    tools: Literal["pass", "vote"] = "pass"
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """The form that an answer must have.

    Args:
        schema: The JSON schema; `None` is any JSON object.
        name: What the client calls it.
        strict: Whether the client wants the service to enforce it.
    """

    schema: Mapping[str, Any] | None
    name: str = "reply"
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Args:
        model: The name that the client gives.
        messages: The conversation.
        sampling: How it is sampled; `extra` holds fields of the dialect that go on as they are.
        seed: Makes the answer repeatable if the model supports seeds.
        wire: The dialect of `sampling.extra`, as in `catsdk.core.ports.wire_of`.
        shape: The form that the answer must have.
        tools: The tools that the model may call.
        stream: Whether the answer is wanted piece by piece.
        with_usage: Whether a stream ends with the usage.
        wanted: How the answer is made.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    seed: int | None = None
    wire: str = "chat"
    shape: Shape | None = None
    tools: Tools | None = None
    stream: bool = False
    with_usage: bool = False
    wanted: Wanted = field(default_factory=Wanted)
