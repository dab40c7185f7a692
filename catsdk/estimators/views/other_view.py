"""OtherView: an estimator over a second group, of the question reworded or of another model."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.answers.answers import no_evidence
from catsdk.core.types import Group, Reference
from catsdk.estimators.population import made_from
from catsdk.estimators.views.second import check_view, second_group
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.sampling.sampler import Sampler

__all__ = ["OtherView"]


@dataclass(frozen=True)
class OtherView:
    r"""Estimates the reference from rollouts that are not those that it rewards.

    A policy that is rewarded by its own consensus can agree with itself on anything; here the label
    comes from elsewhere. With `Majority()` this is Co-rewarding, Zhang et al., arXiv 2508.00410,
    whose two labels were checked in the authors' code (`reward_manager/co_reward.py` and
    `co_rewarding_II.py` of tmlr-group/Co-rewarding; equation numbers were not at hand):

    - I: `OtherView(Majority(), paraphraser=Paraphraser())`: y = maj_j a'_j over rollouts o'_j of
      the paraphrase q'. The paper also trains on the rollouts of q', labelled by the majority over
      q. Here only the group's own rollouts are rewarded: to train on both, let the data hold both
      wordings, each of which is then rewarded by a paraphrase of its own.
    - II: `OtherView(Majority(), Sampler(PolicyAnchor("average")))`: the majority over samples of a
      teacher that follows the policy slowly, theta' <- alpha theta + (1 - alpha) theta'. The
      authors' script lets alpha fall by a cosine from 0.01 to 0.00001; `PolicyAnchor` keeps
      alpha = 1 - `decay`, by default 0.01.

    The call for the paraphrase and those for the second group are listed in the reference.

    Args:
        estimator: Makes the reference of the second group, such as `Majority()`.
        sampler: Draws the second group; by default the policy of the run. In a training of your
            own name the model: `Sampler(PolicyAnchor("current"))`.
        paraphraser: Asks the question in other words; `None` keeps the words.
        n: Rollouts of the second group; by default as many as the first one asked for.

    Raises:
        InvalidInputError: a role lacks its method, or `n` is not a count.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import OtherView
        >>> from catsdk.testing import FunctionProvider
        >>> teacher = FunctionProvider(lambda request: [r"\boxed{42}", r"\boxed{42}", r"\boxed{4}"])
        >>> group = cat.group_of("6*7?", [r"\boxed{41}", r"\boxed{41}", r"\boxed{42}"])
        >>> estimator = OtherView(cat.Majority(), cat.Sampler(teacher))
        >>> reward = cat.AnswerReward(estimator=estimator)
        >>> [score.value for score in await reward.reward(group)]
        [0.0, 0.0, 1.0]
    """

    estimator: roles.Estimator
    sampler: roles.Sampler = Sampler()
    paraphraser: roles.Paraphraser | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        """Check the roles."""
        fix = "an object with an async method estimate(group, ctx), such as Majority()"
        roles.check_role("estimator", self.estimator, roles.Estimator, fix)
        check_view(self.sampler, self.paraphraser, self.n)

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Draw the second group, and estimate from it.

        Raises:
            NoEvidenceError: one of the groups has no rollout.
            CatError: what the paraphraser or `estimator` raises.
        """
        async with standing_alone(ctx, group) as context:
            if not group.rollouts:
                raise no_evidence(group)
            with recorded("second view") as calls:
                second = await second_group(
                    group, context, sampler=self.sampler, paraphraser=self.paraphraser, n=self.n
                )
                on_second = context.on(second.group).quiet()
                found = await roles.reference_by(self.estimator, second.group, on_second)
            inner = found.provenance
            settings = {**inner.settings, "estimator": inner.method, **second.told}
            reference = await made_from(
                found, group, context, method="other view", settings=settings, calls=calls
            )
            partial = reference.partial or second.group.partial
            return reference.model_copy(update={"partial": partial})
