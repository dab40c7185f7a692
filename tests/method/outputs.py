"""A class, its schema, and a scripted model that answers in it or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

import catsdk as cat
from catsdk.testing import FunctionProvider
from catsdk.types import Completion, Request


class City(BaseModel):
    name: str
    people: float | None = None


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": ["number", "null"]}},
    "required": ["name"],
    "additionalProperties": False,
}
CAIRO, GIZA = '{"name": "Cairo", "people": 10.0}', '{"name": "Giza", "people": 4}'
PROSE = "It is Cairo, with 10 million people."
CUT = Completion(text=CAIRO, finish_reason="length")
WHOLE = json.dumps({"summary": "They agree.", "response": {"name": "Cairo", "people": 10}})
Reply = str | Completion


def model(
    rollouts: Sequence[Reply],
    anchor: Callable[[Request], Reply] | Sequence[Reply] = (WHOLE,),
    **able: Any,
) -> FunctionProvider:
    """Samples `rollouts` in turn; answers all else as the anchor, with the last reply for ever."""
    left = [] if callable(anchor) else list(anchor)

    def script(request: Request) -> Any:
        if request.messages[-1].text.startswith("Which city?"):
            first = request.sample_index
            return [rollouts[(first + at) % len(rollouts)] for at in range(request.n)]
        if callable(anchor):
            return anchor(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return FunctionProvider(script, capabilities=cat.Capabilities(n=True, **able))
