"""Grading: a judge grades each rollout on its own, from 0 to 10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError
from catsdk.core.ports import Provider
from catsdk.core.types import Failure, Group, Rollout, Score
from catsdk.prompts.reply import read_grade
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.prompted import PromptedRole
from catsdk.runtime.structured import Form, ask

__all__ = ["Grading"]

SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "grade": {"type": "number"}},
    "required": ["reason", "grade"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Grading(PromptedRole):
    """Rates rollouts by the grade r(q, o_i) in 0..10 that a judge gives each, all calls at once.

    Source: single-answer grading, Zheng et al., arXiv 2306.05685, section 3.1. A call that failed,
    or a reply without a grade after one re-ask, is a score of `None` with its cause, never 0.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Grading
        >>> from catsdk.testing import FunctionProvider
        >>> judge = FunctionProvider(lambda request: '{"reason": "it is right", "grade": 9}')
        >>> scores = await Grading(judge).rate(cat.group_of("6*7?", ["42"]))
        >>> scores[0].value, scores[0].reasons
        (9.0, ('it is right',))
    """

    task = "grade"
    role = "judge"

    async def rate(self, group: Group, ctx: Context | None = None) -> list[Score]:
        """Give one score for each rollout, in their order."""
        async with standing_alone(ctx, group) as context:
            with recorded("grade"):
                judge = await context.model(self.model, self.role)

                async def grade(rollout: Rollout) -> Score:
                    return await self._grade(judge, group, rollout)

                return await fan_out(grade, group.rollouts)

    async def _grade(self, judge: Provider, group: Group, rollout: Rollout) -> Score:
        words = self.words_for(judge)
        messages = words.messages(question=group.conversation, response=rollout.text)
        request = self.sampling.request(messages)
        try:
            (grade, reason), _ = await ask(judge, request, Form(SCHEMA, read_grade))
        except CatError as error:
            return Score(index=rollout.index, value=None, failure=Failure.of(error))
        return Score(index=rollout.index, value=grade, reasons=(reason,) if reason else ())
