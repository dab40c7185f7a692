"""Judge: says for each criterion on its own whether a rollout meets it."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.errors import CatError, UnsupportedError
from catsdk.core.fanout import fan_out
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.types import Criterion, Failure, Request, Rollout, Rubric, Verdict
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened
from catsdk.middleware.structured import ask
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.reply import read_verdict

__all__ = ["Judge"]

SCHEMA = {
    "type": "object",
    "properties": {"evidence": {"type": "string"}, "met": {"type": "boolean"}},
    "required": ["evidence", "met"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Judge:
    """Judges one response by one criterion a call (paper, section 3.3), all calls at once.

    The judge is greedy by default (the paper does not say at which temperature it judges), and as
    steady as it can be where the model takes no temperature. A reply that cannot be read is asked
    for again once; a verdict without a readable reply, or of a
    call that failed, has `met=None` and its failure: it is never a "no".
    """

    model: str | Provider
    sampling: Sampling = Sampling(temperature=0.0)
    prompt: Prompt | None = None

    async def judge(self, rubric: Rubric, rollout: Rollout) -> tuple[Verdict, ...]:
        """Give one verdict for each of the K criteria, in their order."""
        async with opened(self.model) as provider:

            async def decide(criterion: Criterion) -> Verdict:
                return await self._decide(provider, criterion, rollout)

            return tuple(await fan_out(decide, rubric.criteria))

    async def _decide(self, provider: Provider, criterion: Criterion, rollout: Rollout) -> Verdict:
        able = capabilities_of(provider)
        prompt = self.prompt or load(able.prompts, "judge")
        request = self.sampling.request(
            prompt.messages(criterion=criterion.text, response=rollout.text)
        )
        if able.json_schema:
            request = request.model_copy(update={"json_schema": SCHEMA})
        with recorded("judge") as calls:
            try:
                met, evidence = await _answer(provider, request)
            except CatError as error:
                return Verdict(
                    criterion_id=criterion.id,
                    met=None,
                    failure=Failure.of(error),
                    calls=tuple(calls),
                )
        return Verdict(criterion_id=criterion.id, met=met, evidence=evidence, calls=tuple(calls))


async def _answer(provider: Provider, request: Request) -> tuple[bool, str | None]:
    try:
        return (await ask(provider, request, read_verdict))[0]
    except UnsupportedError as error:
        if error.capability != "temperature" or request.temperature != 0:
            raise
    request = request.model_copy(update={"temperature": None})
    return (await ask(provider, request, read_verdict))[0]
