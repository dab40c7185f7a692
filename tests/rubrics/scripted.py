"""Scripted judges and the values that they judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from catsdk.core.ports import Capabilities
from catsdk.core.types import (
    Completion,
    Criterion,
    Group,
    Message,
    Provenance,
    Reference,
    Request,
    Rollout,
    Rubric,
    Verdict,
)
from catsdk.testing import FunctionProvider

FROM = Provenance(method="test")
PROMPT = (Message(role="user", content="the question"),)
CRITERION = re.compile(r"<criterion-(\w+)>\n(.*?)\n</criterion-\1>", re.DOTALL)
RESPONSE = re.compile(r"<response-(\w+)>\n(.*)\n</response-\1>", re.DOTALL)


def rollout_of(text: str, index: int = 0) -> Rollout:
    return Rollout(index=index, completion=Completion(text=text))


def group_of(*texts: str) -> Group:
    return Group(prompt=PROMPT, rollouts=tuple(rollout_of(t, i) for i, t in enumerate(texts)))


def reference_of(group: Group, text: str = "the reference") -> Reference:
    return Reference(text=text, group=group, provenance=FROM)


def rubric_of(*texts: str, weights: tuple[float, ...] | None = None) -> Rubric:
    weighted = zip(texts, weights or (1.0,) * len(texts), strict=True)
    criteria = tuple(
        Criterion(id=f"c{at}", text=text, weight=weight)
        for at, (text, weight) in enumerate(weighted, 1)
    )
    return Rubric(criteria=criteria, provenance=FROM)


def criteria_shown(request: Request) -> list[str]:
    return [text for _, text in CRITERION.findall(request.messages[1].text)]


def response_shown(request: Request) -> str:
    found = RESPONSE.search(request.messages[1].text)
    assert found is not None
    return found[2]


def said(
    verdict: str | bool | None, evidence: str = "", reason: str = "so it is"
) -> dict[str, str]:
    word = {True: "yes", False: "no", None: "cannot tell"}.get(verdict, verdict)  # type: ignore[arg-type]
    return {"evidence": evidence, "reason": reason, "verdict": str(word)}


def contains_judge(able: Capabilities | None = None, name: str = "judge") -> FunctionProvider:
    """Meets a criterion whose text stands in the response, quotes it, one or all in a call."""

    def decide(criterion: str, response: str) -> dict[str, str]:
        found = criterion in response
        return said(found, criterion if found else "")

    def script(request: Request) -> str:
        response, shown = response_shown(request), criteria_shown(request)
        if '"verdicts"' not in request.messages[0].text:
            return json.dumps(decide(shown[0], response))
        parts = [text.split("\n", 1) for text in shown]
        named = [(head.removeprefix("id: "), text) for head, text in parts]
        verdicts = [{"id": name, **decide(text, response)} for name, text in named]
        return json.dumps({"verdicts": verdicts})

    return FunctionProvider(script, name=name, capabilities=able or Capabilities())


class FixedJudge:
    """Gives the answers of a table, `None` for a verdict that failed, nothing for "left out"."""

    def __init__(self, answer: Callable[[str, str], bool | None | str]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int]] = []

    async def judge(self, rubric: Rubric, rollout: Rollout, ctx: object = None) -> list[Verdict]:
        self.asked += [(criterion.id, rollout.index) for criterion in rubric.criteria]
        answers = {c.id: self.answer(c.id, rollout.text) for c in rubric.criteria}
        return [
            Verdict(criterion_id=name, met=met, judge="fixed")
            for name, met in answers.items()
            if not isinstance(met, str)
        ]
