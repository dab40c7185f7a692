"""RubricProposer: the anchor writes binary criteria from the reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Criterion, Provenance, Reference, Rubric
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened
from catsdk.middleware.structured import ask
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.reply import read_criteria

__all__ = ["RubricProposer"]

SCHEMA = {
    "type": "object",
    "properties": {"criteria": {"type": "array", "items": {"type": "string"}}},
    "required": ["criteria"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class RubricProposer:
    """Writes a rubric from a reference (paper, section 3.3): once a prompt, by the anchor.

    At least `at_least` different criteria are asked for (the paper: 5); a reply with fewer is
    asked for again once, with its error. A JSON schema is sent where the model takes one.
    """

    anchor: str | Provider
    sampling: Sampling = Sampling()
    prompt: Prompt | None = None
    at_least: int = 5

    async def propose(self, reference: Reference) -> Rubric:
        """Write the rubric for `reference`.

        Raises:
            StructuredOutputError: no reply held enough criteria.
            ProviderError: the anchor failed.
        """
        with recorded("propose_rubric") as calls:
            async with opened(self.anchor) as anchor:
                able = capabilities_of(anchor)
                prompt = self.prompt or load(able.prompts, "propose")
                request = self.sampling.request(prompt.messages(reference=reference.text))
                if able.json_schema:
                    request = request.model_copy(update={"json_schema": SCHEMA})
                read = partial(read_criteria, at_least=self.at_least)
                texts, completion = await ask(anchor, request, read)
                model = completion.model or name_of(anchor)
        return Rubric(
            criteria=tuple(Criterion(id=f"r{at}", text=text) for at, text in enumerate(texts, 1)),
            provenance=Provenance(
                method="rubric from reference",
                model=model,
                prompt=prompt.name,
                prompt_version=prompt.version,
            ),
            calls=tuple(calls),
        )
