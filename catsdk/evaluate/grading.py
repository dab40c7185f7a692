"""Grades answers: by the known answer, or by the points of a rubric."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.options import Sampling
from catsdk.core.types import Completion, Failure, Group, Provenance, Rollout, Rubric, Score
from catsdk.evaluate.items import Item
from catsdk.rewards.answer import compared
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.judge import Judge
from catsdk.runtime import roles
from catsdk.runtime.context import Context

__all__ = ["ItemGrader"]


@dataclass(frozen=True)
class ItemGrader:
    """Scores texts as the rewards `Gold` and `RubricReward` do.

    An item with a known answer gives 1 or 0, as the context's `answers` compare; a text without a
    final answer is not right: 0. Otherwise the criteria decide, with their weights and pitfalls.
    The score is `None`, with its cause, where answers could not be compared, where a verdict is
    missing, and where the item has neither a known answer nor criteria.

    Args:
        judge: Says which criteria are met; by default the judge of the run, greedy.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.evaluate import ItemGrader, item_of
        >>> item = item_of("6*7?", "42")
        >>> async with cat.CaT(estimator=cat.Majority()).context() as ctx:
        ...     score = await ItemGrader().grade(item, "It is 42.", "42", ctx)
        >>> score.value
        1.0
    """

    judge: roles.Judge = Judge(sampling=Sampling(temperature=0.0))

    async def grade(self, item: Item, text: str, answer: str | None, ctx: Context) -> Score:
        """Score one text.

        Args:
            item: What the text answers.
            text: The response.
            answer: The final answer found in it.
            ctx: The context of the run.

        Returns:
            The score; its value is `None` if the text cannot be graded.

        Raises:
            ConfigurationError: the judge cannot be opened.
        """
        rollout = Rollout(index=0, completion=Completion(text=text), answer=answer)
        group = Group(prompt=item.prompt, rollouts=(rollout,))
        if item.accepted:
            wanted = ctx.answers.golds(item.accepted)
            (score,) = await compared(group, wanted, "the known answer", ctx, None)
            return score
        if item.criteria:
            rubric = Rubric(criteria=item.criteria, provenance=Provenance(method="data set"))
            (score,) = await RubricReward(judge=self.judge, rubric=rubric).reward(group, None, ctx)
            return score
        message = "the item has no known answer and no criteria"
        return Score(index=0, value=None, failure=Failure(kind="NotGraded", message=message))
