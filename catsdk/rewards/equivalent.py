"""EquivalenceReward: does a response mean the same as the reference? The paper's control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError
from catsdk.core.ports import Provider
from catsdk.core.types import Failure, Group, Reference, Rollout, Score
from catsdk.prompts.reply import read_verdict
from catsdk.prompts.schemas import EQUIVALENT
from catsdk.rewards.reward import Reward, without_value
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context
from catsdk.runtime.prompted import PromptedRole
from catsdk.runtime.structured import Form, ask, form_name, route_of

__all__ = ["EquivalenceReward"]

_NONE = "there is no verdict on whether it means the same as the reference"


@dataclass(frozen=True)
class EquivalenceReward(PromptedRole, Reward):
    """R(o; s) = 1 where the judge says that o means the same as s, else 0.

    The paper finds it worse than rubrics (section 5): it is here to compare with.

    Args:
        model: The judge; `None` is the judge of the run.
        seed: Draws for each pair which of the two texts comes first; `None` puts the reference
            first.
        both_orders: Whether the judge sees both orders; a pair on which they differ has no reward,
            so that a judge that goes by position does not pass for one that reads.
        attempts: How often a reply is asked for in all.
        max_response: Longest text that is compared, in characters.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import EquivalenceReward
        >>> from catsdk.testing import FunctionProvider
        >>> group = cat.group_of("Why?", ["It rains.", "There is rain."])
        >>> reference = await cat.Majority().estimate(group)
        >>> reward = EquivalenceReward(FunctionProvider(lambda request: "yes"))
        >>> [score.value for score in await reward.reward(group, reference)]
        [1.0, 1.0]
    """

    seed: int | None = None
    both_orders: bool = False
    attempts: int = 2
    max_response: int = 200_000

    task = "equivalent"
    role = "judge"

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Have each rollout compared with the reference."""
        assert reference is not None
        provider = await ctx.model(self.model, self.role)
        return await fan_out(partial(self._compared, provider, reference), group.rollouts)

    async def _compared(self, provider: Provider, reference: Reference, rollout: Rollout) -> Score:
        if max(len(rollout.text), len(reference.text)) > self.max_response:
            told = f"a text has over {self.max_response:,} characters"
            return without_value(rollout, Failure(kind="ResponseTooLong", message=told), _NONE)
        swapped = self._swapped(reference.text, rollout.text)
        orders = [swapped, not swapped] if self.both_orders else [swapped]
        with recorded("equivalence") as calls:
            ask_in = partial(self._ask, provider, reference.text, rollout.text)
            said = await fan_out(ask_in, orders)
        return _score(rollout, said).model_copy(update={"calls": tuple(calls)})

    async def _ask(
        self, provider: Provider, reference: str, response: str, swapped: bool
    ) -> bool | Failure:
        first, second = (response, reference) if swapped else (reference, response)
        form = form_name(route_of(provider))
        request = self.sampling.request(
            self.words_for(provider).messages(form=form, first=first, second=second)
        )
        wanted = Form(EQUIVALENT, read_verdict)
        try:
            answer, _ = await ask(provider, request, wanted, attempts=self.attempts)
        except (ConfigurationError, InvalidInputError):
            raise
        except CatError as error:
            return Failure.of(error)
        if answer.met is None:
            return Failure(kind="CannotTell", message=answer.reason or "the judge cannot tell")
        return answer.met

    def _swapped(self, reference: str, response: str) -> bool:
        if self.seed is None:
            return False
        told = repr((self.seed, reference, response)).encode("utf-8", "surrogatepass")
        return sha256(told).digest()[0] % 2 == 1


def _score(rollout: Rollout, said: list[bool | Failure]) -> Score:
    failure = next((each for each in said if isinstance(each, Failure)), None)
    if failure is None and len(set(said)) > 1:
        told = "the verdict changes with the order in which the two texts are shown"
        failure = Failure(kind="PositionBias", message=told)
    if failure is not None:
        return without_value(rollout, failure, _NONE)
    relation = "means the same as" if said[0] else "does not mean the same as"
    reasons = (f"the judge says that it {relation} the reference",)
    return Score(index=rollout.index, value=float(said[0] is True), reasons=reasons)
