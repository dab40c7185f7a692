"""GradedReward: the implicit reward, one grade of the whole response given the rubric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import (
    CatError,
    ConfigurationError,
    EvidenceNotFoundError,
    InvalidInputError,
)
from catsdk.core.ports import Provider
from catsdk.core.types import Failure, Group, Reference, Rollout, Rubric, Score
from catsdk.prompts.reply import Answer, read_rubric_grade
from catsdk.prompts.schemas import GRADE_BY_RUBRIC
from catsdk.rewards.reward import Reward, without_value
from catsdk.rewards.rubric import checked_rubric, rubric_for
from catsdk.rubrics.proposer import RubricProposer
from catsdk.rubrics.quotes import stands_in
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context
from catsdk.runtime.prompted import PromptedRole
from catsdk.runtime.structured import Form, ask, form_name, route_of

__all__ = ["GradedReward"]

_NONE = "there is no grade"


@dataclass(frozen=True)
class GradedReward(PromptedRole, Reward):
    """Asks the judge once a rollout for a whole grade from 0 to 10, the rubric in sight.

    This is the implicit aggregation of Rubrics as Rewards (arXiv 2507.17746). The reward is the
    grade over 10, or `None` with its cause; a quote that is not found in the response is asked for
    again, as a reply that cannot be read is.

    Args:
        model: The judge; `None` is the judge of the run.
        proposer: Writes the rubric; by default `RubricProposer()` on the run's anchor.
        rubric: A rubric that is there already, for every prompt; then nothing is proposed.
        attempts: How often a reply is asked for in all.
        max_response: Longest response that is graded, in characters.

    Raises:
        InvalidInputError: `rubric` has no criteria, or two with one id.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import GradedReward
        >>> from catsdk.rubrics import loads
        >>> from catsdk.testing import FunctionProvider
        >>> rubric = loads("criteria: [Names the rain.]")
        >>> judge = FunctionProvider(lambda request: '{"reason": "it does", "grade": 9}')
        >>> group = cat.group_of("Why?", ["It rains."])
        >>> [score.value for score in await GradedReward(judge, rubric=rubric).reward(group)]
        [0.9]
    """

    proposer: roles.Proposer = RubricProposer()
    rubric: Rubric | None = None
    attempts: int = 2
    max_response: int = 200_000

    task = "grade_by_rubric"
    role = "judge"

    def __post_init__(self) -> None:
        """Check the prompt and the rubric."""
        super().__post_init__()
        if self.rubric is not None:
            checked_rubric(self.rubric)
        object.__setattr__(self, "needs_reference", self.rubric is None)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Write the rubric, where it is not given, and have each rollout graded."""
        rubric = self.rubric or await rubric_for(self.proposer, reference, ctx)
        texts = [f"weight: {criterion.weight:g}\n{criterion.text}" for criterion in rubric.criteria]
        provider = await ctx.model(self.model, self.role)

        async def grade(rollout: Rollout) -> Score:
            return await self._grade(provider, texts, rollout)

        return await fan_out(grade, group.rollouts)

    async def _grade(self, provider: Provider, criteria: list[str], rollout: Rollout) -> Score:
        if len(rollout.text) > self.max_response:
            message = f"the response has {len(rollout.text):,} characters"
            return without_value(rollout, Failure(kind="ResponseTooLong", message=message), _NONE)
        form = form_name(route_of(provider))
        slots: Mapping[str, str | list[str]] = {"criteria": criteria, "response": rollout.text}
        request = self.sampling.request(self.words_for(provider).messages(form=form, **slots))

        def read(text: str) -> tuple[float, Answer]:
            grade, answer = read_rubric_grade(text)
            if answer.evidence is not None and not stands_in(answer.evidence, rollout.text):
                raise EvidenceNotFoundError("the quote was not found in the response")
            return grade, answer

        with recorded("grade") as calls:
            try:
                said, _ = await ask(
                    provider, request, Form(GRADE_BY_RUBRIC, read), attempts=self.attempts
                )
            except (ConfigurationError, InvalidInputError):
                raise
            except CatError as error:
                unscored = without_value(rollout, Failure.of(error), _NONE)
                return unscored.model_copy(update={"calls": tuple(calls)})
        value, answer = said
        reasons = [f"graded {value:.1f} by the rubric as a whole"]
        reasons += [answer.reason] if answer.reason else []
        reasons += [f'evidence: "{answer.evidence}"'] if answer.evidence else []
        return Score(index=rollout.index, value=value, reasons=tuple(reasons), calls=tuple(calls))
