"""The loopback server in its own process: it reads orders from stdin and reports to stdout."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from catsdk import Capabilities, Provider
from catsdk.testing import LoopbackServer, Weather
from catsdk.types import Completion, Request, Usage

ITEM = re.compile(r"item (\d+):")
TEXT = "item {item}: Both trains meet after two hours and a half.\n\n\\boxed{{7}}"
# The format in which DSPy expects its fields.
FIELDS = (
    "[[ ## reasoning ## ]]\nitem {item}: both meet.\n\n"
    "[[ ## rationale ## ]]\nBoth meet.\n\n[[ ## answer ## ]]\n7\n\n[[ ## completed ## ]]"
)


CRITERIA = json.dumps({"criteria": [f"It names the hour of train {at}." for at in range(5)]})
VERDICT = json.dumps({"evidence": "two hours and a half", "met": True})


def text_for(asked: str) -> str:
    """The reply to a prompt: criteria, a verdict, DSPy's fields, or an answer with its number."""
    if "Write the criteria" in asked:
        return CRITERIA
    if "against one criterion" in asked:
        return VERDICT
    found = ITEM.search(asked)
    return (FIELDS if "[[ ##" in asked else TEXT).format(item=found[1] if found else 0)


class Answers:
    """A model that answers immediately, with the number of the item in the prompt."""

    name = "answers"
    capabilities = Capabilities(n=True)

    async def complete(self, request: Request, on_text: object = None) -> Sequence[Completion]:
        """Return the same text `n` times, with a usage that counts words."""
        asked = " ".join(message.text for message in request.messages)
        text = text_for(asked)
        tokens = len(asked.split())
        return [
            Completion(
                text=text,
                usage=Usage(
                    input_tokens=0 if at else tokens,
                    output_tokens=len(text.split()),
                    requests=0 if at else 1,
                ),
            )
            for at in range(request.n)
        ]


def report(server: LoopbackServer) -> dict[str, Any]:
    """What the server counted and served since its faults were last changed."""
    counters = server.counters
    return {
        "requests": counters.requests,
        "in_flight": counters.in_flight,
        "in_flight_peak": counters.in_flight_peak,
        "cancelled": counters.cancelled,
        "completions": counters.completions,
        "tokens": counters.usage.tokens,
        "statuses": dict(counters.statuses),
        "served": [_row(served) for served in server.served],
    }


def _row(served: Any) -> dict[str, Any]:
    found = ITEM.search(json.dumps((served.payload or {}).get("messages", "")))
    return {
        "item": int(found[1]) if found else None,
        "began": served.began,
        "ended": served.ended,
        "latency": served.latency,
        "status": served.status,
        "fault": served.fault,
        "tokens": served.usage.tokens if served.usage else None,
    }


def serve_until_closed(
    model: Provider, change: Callable[[LoopbackServer, dict[str, Any]], None]
) -> None:
    """Serve `model` until stdin closes; pass orders for other faults to `change`."""
    with LoopbackServer(model) as server:
        print(json.dumps({"url": server.url, "key": server.key, "model": server.model}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            if order["do"] == "change":
                change(server, order)
                server.change(Weather(**order["weather"]))
                print("{}", flush=True)
            else:
                print(json.dumps(report(server)), flush=True)


def _change(server: LoopbackServer, order: dict[str, Any]) -> None:
    server.takes_n = order["takes_n"]


if __name__ == "__main__":
    serve_until_closed(Answers(), _change)
