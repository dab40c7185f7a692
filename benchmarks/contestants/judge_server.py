"""A judge that is always right, behind the loopback server; some of its replies are malformed."""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.contestants.server import serve_until_closed
from benchmarks.contestants.truth import is_met
from catsdk import Capabilities
from catsdk.testing import LoopbackServer
from catsdk.types import Completion, Request, Usage

ITEM = re.compile(r"item (\d+):")
MARK = re.compile(r"shows mark (\d+)")
ID = re.compile(r"^id: (\w+)$", re.MULTILINE)
MALFORMED = (
    "I would say that it is met.",
    '{"verdict": "yes", "criterion_status": "MET", "expl',
    "MET and UNMET",
    '{"verdict": "perhaps", "criterion_status": "PERHAPS", "explanation": "", "reason": ""}',
)


class TruthfulJudge:
    """Answers in the format the prompt asks for: catsdk's, or that of autorubric and rubric."""

    name = "judge"
    capabilities = Capabilities(json_schema=True)

    def __init__(self) -> None:
        self.malformed = 0.0
        self.random = Random(0)

    async def complete(self, request: Request, on_text: object = None) -> Sequence[Completion]:
        asked = " ".join(message.text for message in request.messages)
        item, marks = ITEM.search(asked), [int(mark) for mark in MARK.findall(asked)]
        met = is_met(int(item[1]), marks[0]) if item and marks else False
        if self.random.random() < self.malformed:
            text = self.random.choice(MALFORMED)
        elif "criterion_status" in request.messages[0].text + json.dumps(request.json_schema):
            text = json.dumps({"criterion_status": "MET" if met else "UNMET", "explanation": "so"})
        elif ids := ID.findall(asked):
            assert item is not None
            told = [is_met(int(item[1]), mark) for mark in marks]
            verdicts = [
                {"id": name} | _fields(item, met) for name, met in zip(ids, told, strict=True)
            ]
            text = json.dumps({"verdicts": verdicts})
        else:
            text = json.dumps(_fields(item, met))
        usage = Usage(input_tokens=len(asked.split()), output_tokens=20, requests=1)
        return [Completion(text=text, usage=usage)]


def _fields(item: re.Match[str] | None, met: bool) -> dict[str, str]:
    quote = f"item {item[1]}:" if item else ""
    return {"evidence": quote, "reason": "so", "verdict": "yes" if met else "no"}


if __name__ == "__main__":
    judge = TruthfulJudge()

    def change(server: LoopbackServer, order: dict[str, Any]) -> None:
        """Accept any `n`, and set the share of malformed replies."""
        server.takes_n = "all"
        judge.malformed = order.get("malformed", 0.0)

    serve_until_closed(judge, change)
