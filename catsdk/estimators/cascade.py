"""Cascade: a cheap estimator where the rollouts agree, an expensive one where they do not."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError, StructuredOutputError
from catsdk.core.types import Group, Reference
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Estimator, check_role, reference_by

__all__ = ["Cascade"]


@dataclass(frozen=True)
class Cascade:
    r"""Takes the reference of `easy` where the group agrees enough, else that of `hard`.

    Let a* be the most frequent answer and A = sum_i 1[a_i = a*] / #answers its share (arXiv
    2203.11171 finds it to go with accuracy, section 3.5). Where A >= `threshold` and no tie, the
    reference is easy(group), else hard(group); the rule of a language-model cascade with answer
    consistency, Yue et al., arXiv 2310.03094, equation 1. The practical default is
    `Cascade(Adaptive(Majority()), Synthesizer(...))`: easy prompts end after a few rollouts, and
    the anchor is paid for where rollouts disagree. The provenance is that of the estimator that
    answered, with `cascade` set to `easy` or `hard`. Calls of both are counted.

    Args:
        easy: The cheap estimator.
        hard: The expensive one.
        threshold: The agreement, in 0..1, from which `easy` is enough; `catsdk.evaluate.calibrate`
            chooses it on data.

    Raises:
        InvalidInputError: an estimator has no method `estimate`, or `threshold` is not a share.

    Example:
        >>> import catsdk as cat
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}"])
        >>> cascade = cat.Cascade(cat.Majority(), cat.Synthesizer(), threshold=0.6)
        >>> (await cascade.estimate(group)).provenance.settings["cascade"]
        'easy'
    """

    easy: Estimator
    hard: Estimator
    threshold: float = 0.75

    def __post_init__(self) -> None:
        """Check the estimators and the threshold."""
        fix = "an object with an async method estimate(group, ctx), such as Majority()"
        check_role("easy", self.easy, Estimator, fix)
        check_role("hard", self.hard, Estimator, fix)
        if not 0 <= self.threshold <= 1:
            raise InvalidInputError(f"threshold is {self.threshold}; give a share from 0 to 1")

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Estimate by the one that the agreement asks for; raises what that one raises."""
        async with standing_alone(ctx, group) as context:
            with recorded("cascade") as calls:
                easy = await self._easy(group, context)
                agreement = None if easy is None else easy.agreement
                agrees = agreement is not None and agreement >= self.threshold
                if easy is not None and easy.majority is not None and agrees:
                    reference, branch = easy, "easy"
                else:
                    reference, branch = await reference_by(self.hard, group, context), "hard"
        settings = {
            **reference.provenance.settings,
            "cascade": branch,
            "threshold": self.threshold,
            "easy_agreement": agreement,
        }
        provenance = reference.provenance.model_copy(update={"settings": settings})
        return reference.model_copy(update={"provenance": provenance, "calls": tuple(calls)})

    async def _easy(self, group: Group, ctx: Context) -> Reference | None:
        """The easy estimator's reference; `None` if no rollout fits the output of the run."""
        try:
            easy = await reference_by(self.easy, group, ctx.quiet())
            return await ctx.with_evidence(easy)
        except StructuredOutputError:
            return None
