"""Wire: what each dialect can do, and what they have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import time
from typing import Any, Protocol

from starlette.responses import Response

from catsdk.core.errors import InvalidInputError
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.asked import Asked, Wanted
from catsdk.serve.gateway.fields import Fields
from catsdk.serve.gateway.stream import EventWriter
from catsdk.serve.site.problems import Problem

__all__ = ["COMMENT", "Reply", "Wire", "event", "read_request"]

COMMENT = b": keep-alive\n\n"
"""A line that clients of server-sent events skip."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What every form of a reply to one request says.

    Args:
        run: The run's name, of which the reply's id is made.
        asked: The request.
        created: When it was made, in seconds since 1970.
    """

    run: str
    asked: Asked
    created: int

    @classmethod
    def now(cls, run: str, asked: Asked) -> Reply:
        """Make one of this moment.

        Args:
            run: The run's name.
            asked: The request.
        """
        return cls(run, asked, int(time()))


class Wire(Protocol):
    """A dialect that clients speak."""

    @property
    def ignored(self) -> frozenset[str]:
        """Fields of a request that change no answer here."""
        ...

    def read(self, fields: Fields, pass_on: tuple[str, ...]) -> Asked:
        """Take from the fields of a body what this dialect alone has; see `read_request`."""
        ...

    def whole(self, answer: Answer, reply: Reply) -> dict[str, Any]:
        """The body of a whole reply."""
        ...

    def events(self, reply: Reply) -> EventWriter:
        """What writes the reply as a stream."""
        ...

    def refusal(self, problem: Problem) -> Response:
        """The response where there is no answer."""
        ...


def read_request(wire: Wire, body: Mapping[str, Any], pass_on: tuple[str, ...]) -> Asked:
    """Read a request.

    Args:
        wire: The dialect that it is in.
        body: The body.
        pass_on: Further fields that go to services as they are.

    Raises:
        InvalidInputError: it is not a request of the dialect, has a field that is unknown, or asks
            for what is not done here.
    """
    fields = Fields("", body)
    wanted, stream = _wanted(fields), fields.flag("stream") or False
    asked = replace(wire.read(fields, pass_on), wanted=wanted, stream=stream)
    fields.end(wire.ignored)
    return asked


def _wanted(fields: Fields) -> Wanted:
    """Parse the field `cat`, which holds settings of this gateway."""
    given = fields.mapping("cat") or {}
    kinds = Fields("cat", given)
    kinds.whole("n")
    kinds.flag("keep")
    caps = kinds.inside("budget") or Fields("cat.budget", {})
    for name in ("requests", "tokens", "answer_tokens"):
        caps.whole(name)
    for name in ("usd", "seconds"):
        caps.number(name)
    try:
        return Wanted(**given)
    except InvalidInputError as error:
        raise InvalidInputError(str(error).replace("Wanted", "the field cat", 1)) from None


def event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    """Return one server-sent event.

    Args:
        data: Its JSON.
        name: Its kind, where the dialect names it.
    """
    head = f"event: {name}\n" if name else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # JSON escapes line ends, and Unicode's other line ends do not count in this format.
    return f"{head}data: {text}\n\n".encode("utf-8", "replace")
