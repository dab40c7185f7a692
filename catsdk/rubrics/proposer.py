"""RubricProposer: the anchor writes binary criteria from the reference, or from the question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from catsdk.core.choices import check_choice
from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling, check_sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Criterion, Kind, Provenance, Reference, Rubric
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.reply import Written, read_criteria
from catsdk.prompts.schemas import criteria_schema
from catsdk.prompts.tasks import check_slots
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.structured import Form, Route, ask, form_name, route_of

__all__ = ["RubricProposer"]

Source = Literal["reference", "question"]

# From Rubrics as Rewards (arXiv 2507.17746): 1.0, 0.7, 0.3, and 0.9 for a pitfall, here negative.
_WEIGHTS: dict[Kind, float] = {
    "essential": 1.0,
    "important": 0.7,
    "optional": 0.3,
    "pitfall": -0.9,
}


@dataclass(frozen=True)
class RubricProposer:
    """Writes a rubric: once a prompt, by the anchor (paper, section 3.3).

    Criteria are unweighted, as in the paper, unless they are to be `weighted`: then each has a
    kind, and the weight of its kind (1.0, 0.7, 0.3, and -0.9 for a pitfall; arXiv 2507.17746).

    Args:
        anchor: The model that writes; `None` is the anchor of the run, else `CATSDK_ANCHOR`, else
            the policy.
        sampling: Temperature and the like; by default the model's own.
        prompt: Replaces the shipped prompts.
        at_least: How many different criteria are asked for (the paper: at least 5). A reply with
            fewer is asked for again, with its error.
        at_most: How many are kept; more are cut off at the end.
        source: What it reads: the `reference`, or the `question` alone (the whole conversation,
            where there is more than a question), which is the paper's control.
        weighted: Whether criteria have kinds and weights.
        attempts: How often a reply is asked for in all.
        route: How a reply is made to fit its form: by a schema, a tool or words; `auto` takes what
            the model can.
        seed: Makes the rubric repeatable if the model supports seeds. A CaT whose sampler has a
            seed gives it to a proposer that has none.

    Raises:
        InvalidInputError: `at_least` is over `at_most`, a number is under 1, or `source` or `route`
            is not one of its words.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> anchor = FunctionProvider(lambda request: '{"criteria": ["Names rain.", "Is brief."]}')
        >>> reference = await cat.Majority().estimate(cat.group_of("Why?", ["It rains."]))
        >>> rubric = await cat.RubricProposer(anchor, at_least=2).propose(reference)
        >>> [criterion.text for criterion in rubric.criteria]
        ['Names rain.', 'Is brief.']
    """

    anchor: str | Provider | None = None
    sampling: Sampling = Sampling()
    prompt: Prompt | None = None
    at_least: int = 5
    at_most: int = 20
    source: Source = "reference"
    weighted: bool = False
    attempts: int = 2
    route: Literal["auto"] | Route = "auto"
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers and the words."""
        check_sampling(self.sampling)
        check_slots(self.prompt, self._task)
        check_choice("source", self.source, get_args(Source))
        check_choice("route", self.route, ("auto", *get_args(Route)))
        if not 1 <= self.at_least <= self.at_most or self.attempts < 1:
            raise InvalidInputError(
                f"at_least is {self.at_least}, at_most {self.at_most}, attempts {self.attempts};"
                " give numbers from 1, the first not over the second"
            )

    async def propose(self, reference: Reference, ctx: Context | None = None) -> Rubric:
        """Write the rubric for `reference`.

        Args:
            reference: What the criteria follow from; with `source="question"` its group's prompt.
            ctx: The context of a run; without one the proposer stands alone.

        Raises:
            InvalidInputError: the question is the source, and the reference's group has none.
            StructuredOutputError: no reply held enough criteria.
            ProviderError: the anchor failed.
        """
        text = reference.text if self.source == "reference" else reference.group.conversation
        if not text.strip():
            raise InvalidInputError(f"the {self.source} is empty, so it yields no criteria")
        async with standing_alone(ctx) as context:
            with recorded("propose_rubric") as calls:
                anchor = await context.model(self.anchor)
                prompt = self.prompt or load(capabilities_of(anchor).prompts, self._task)
                form = form_name(route_of(anchor, self.route))
                seed = self.seed if capabilities_of(anchor).seed else None
                messages = prompt.messages(
                    form=f"{form}_weighted" if self.weighted else form,
                    task=self._wanted,
                    **{self.source: text},
                )
                written, completion = await ask(
                    anchor,
                    self.sampling.request(messages, seed=seed),
                    self._form,
                    attempts=self.attempts,
                    route=self.route,
                )
                model = completion.model or name_of(anchor)
        criteria = tuple(self._criterion(at, each) for at, each in enumerate(written, 1))
        provenance = Provenance(
            method=f"rubric from {self.source}",
            model=model,
            prompt=prompt.name,
            prompt_version=prompt.version,
            prompt_digest=prompt.digest,
            settings={"weighted": self.weighted},
        )
        rubric = Rubric(criteria=criteria, provenance=provenance, calls=tuple(calls))
        return rubric.model_copy(update={"id": f"rubric-{rubric.digest}"})

    @property
    def _task(self) -> str:
        return "propose" if self.source == "reference" else "propose_from_question"

    @property
    def _wanted(self) -> str:
        return (
            f"Write at least {self.at_least} criteria and at most {self.at_most}, the most"
            " important first."
        )

    @property
    def _form(self) -> Form[list[Written]]:
        schema = criteria_schema(self.at_least, self.at_most, kinds=self.weighted)
        read = partial(read_criteria, at_least=self.at_least, at_most=self.at_most)
        return Form(schema, read)

    def _criterion(self, at: int, written: Written) -> Criterion:
        if not self.weighted:
            return Criterion(id=f"r{at}", text=written.text)
        kind = written.kind or "important"
        return Criterion(id=f"r{at}", text=written.text, kind=kind, weight=_WEIGHTS[kind])
