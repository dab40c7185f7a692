"""The roles of the method as protocols with one method: any object with it can play the role."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import PromptLike
from catsdk.core.types import Group, Reference, Rollout, Rubric, Score, Verdict
from catsdk.runtime.context import Context

__all__ = [
    "Estimator",
    "Judge",
    "Paraphraser",
    "Proposer",
    "Rater",
    "Rewarder",
    "Sampler",
    "check_role",
    "checked_reference",
    "reference_by",
    "refuse_class",
    "result_of",
]

T = TypeVar("T")


@runtime_checkable
class Sampler(Protocol):
    r"""Draws a group of rollouts (paper, section 3.1).

    Example:
        >>> import catsdk as cat
        >>> class FromMemory:
        ...     async def sample(self, prompt, n, ctx, *, start=0):
        ...         return cat.group_of(prompt, [r"\boxed{4}"] * n)
        >>> (await cat.CaT(FromMemory(), estimator=cat.Majority()).run("2+2?")).answer
        '4'
    """

    async def sample(self, prompt: PromptLike, n: int, ctx: Context, *, start: int = 0) -> Group:
        """Draw rollouts of a prompt.

        Args:
            prompt: A text, or the messages of a chat.
            n: How many.
            ctx: The context of the run.
            start: The index of the first of them.

        Returns:
            The group; rollouts that failed are in `Group.failures`.
        """
        ...


@runtime_checkable
class Estimator(Protocol):
    """Estimates a reference from a group (paper, section 3.2).

    Example:
        >>> import catsdk as cat
        >>> class Shortest:
        ...     async def estimate(self, group, ctx):
        ...         return ctx.reference(min(group.rollouts, key=lambda r: len(r.text)))
        >>> c = cat.CaT(estimator=Shortest())
        >>> (await c.run(cat.group_of("Why?", ["Because.", "Because it rains."]))).text
        'Because.'
    """

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        """Estimate the reference of a group.

        Args:
            group: The rollouts that are there.
            ctx: The context of the run: open models, answers, the data row.

        Returns:
            The reference, such as `ctx.reference(rollout)` makes.
        """
        ...


@runtime_checkable
class Paraphraser(Protocol):
    r"""Asks a question in other words, for estimators that look at it twice.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import OtherView
        >>> from catsdk.testing import FunctionProvider
        >>> class Swapped:
        ...     async def paraphrase(self, group, ctx):
        ...         first, second = group.question.split("+")
        ...         return f"{second}+{first}"
        >>> policy = FunctionProvider(lambda request: [r"\boxed{4}"] * request.n)
        >>> estimator = OtherView(cat.Majority(), cat.Sampler(policy), Swapped())
        >>> reference = await estimator.estimate(cat.group_of("1+3", [r"\boxed{4}"]))
        >>> reference.provenance.settings["paraphrase"]
        '3+1'
    """

    async def paraphrase(self, group: Group, ctx: Context) -> str:
        """Ask the question of a group in other words.

        Args:
            group: The group, whose last message of the user is reworded.
            ctx: The context of the run.

        Returns:
            The new text of that message, with the same answer.
        """
        ...


@runtime_checkable
class Proposer(Protocol):
    r"""Writes a rubric (paper, section 3.3).

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> from catsdk.types import Provenance
        >>> class Fixed:
        ...     async def propose(self, reference, ctx):
        ...         criteria = (cat.Criterion(id="r1", text=f"Says {reference.answer}."),)
        ...         return cat.Rubric(criteria=criteria, provenance=Provenance(method="fixed"))
        >>> judge = FunctionProvider(lambda request: "yes")
        >>> reward = cat.RubricReward(proposer=Fixed(), judge=judge)
        >>> c = cat.CaT(estimator=cat.Majority(), reward=reward)
        >>> (await c.run(cat.group_of("2+2?", [r"\boxed{4}"]))).rubric.criteria[0].text
        'Says 4.'
    """

    async def propose(self, reference: Reference, ctx: Context) -> Rubric:
        """Write the rubric for a reference.

        Args:
            reference: What the criteria follow from.
            ctx: The context of the run.

        Returns:
            The rubric: at least one criterion, each with an id of its own.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """Says which criteria a rollout meets (paper, section 3.3).

    Example:
        >>> import catsdk as cat
        >>> from catsdk.types import Provenance, Verdict
        >>> class Literal:
        ...     async def judge(self, rubric, rollout, ctx):
        ...         return [Verdict(criterion_id=c.id, met=c.text in rollout.text)
        ...                 for c in rubric.criteria]
        >>> criteria = (cat.Criterion(id="r1", text="rain"), cat.Criterion(id="r2", text="wind"))
        >>> rubric = cat.Rubric(criteria=criteria, provenance=Provenance(method="by hand"))
        >>> c = cat.CaT(reward=cat.RubricReward(judge=Literal(), rubric=rubric))
        >>> (await c.run(cat.group_of("Why?", ["Because of the rain."]))).rewards
        (0.5,)
    """

    async def judge(self, rubric: Rubric, rollout: Rollout, ctx: Context) -> Sequence[Verdict]:
        """Judge one rollout by each criterion.

        Args:
            rubric: The K criteria.
            rollout: What is judged.
            ctx: The context of the run.

        Returns:
            One verdict for each criterion, in their order; a failure is a verdict without an
            answer.
        """
        ...


@runtime_checkable
class Rewarder(Protocol):
    """Gives each rollout of a group its reward (paper, equation 1).

    `catsdk.Reward` is the base class that most rewards inherit from; this is what it promises.

    Example:
        >>> from catsdk import AnswerReward
        >>> from catsdk.runtime import Rewarder
        >>> isinstance(AnswerReward(), Rewarder)
        True
    """

    async def reward(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Reward a group.

        Args:
            group: The rollouts, and those that failed.
            reference: The run's reference; `None` if none was needed.
            ctx: The context of the run.

        Returns:
            One score for each rollout; without evidence its value is `None`.
        """
        ...


@runtime_checkable
class Rater(Protocol):
    """Rates each rollout of a group by itself, without a reference: a judge, or a reward model.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import BestOfN
        >>> class Brevity:
        ...     async def rate(self, group, ctx):
        ...         return [ctx.score(r, -float(len(r.text))) for r in group.rollouts]
        >>> group = cat.group_of("Why?", ["Because.", "Because it rains."])
        >>> (await BestOfN(Brevity()).estimate(group)).text
        'Because.'
    """

    async def rate(self, group: Group, ctx: Context) -> Sequence[Score]:
        """Rate the rollouts.

        Args:
            group: The rollouts.
            ctx: The context of the run.

        Returns:
            One score for each rollout that is there, in their order; higher is better.
        """
        ...


def refuse_class(name: str, role: object) -> None:
    """Refuse a class in the place of a role: it has the methods, but they lack their object.

    Raises:
        InvalidInputError: `role` is a class.
    """
    if isinstance(role, type):
        raise InvalidInputError(
            f"{name} is the class {role.__name__}; give an object of it, such as"
            f" {role.__name__}(...)"
        )


def check_role(name: str, role: object, kind: type, fix: str) -> None:
    """Refuse what cannot play a role.

    Args:
        name: What the role is called where it is given.
        role: What was given.
        kind: The protocol of the role.
        fix: What to give instead.

    Raises:
        InvalidInputError: `role` lacks the method, or is a class.
    """
    refuse_class(name, role)
    if not isinstance(role, kind):
        raise InvalidInputError(f"{name} is {role!r:.80}; give {fix}")


async def result_of(given: Awaitable[T], role: object, method: str) -> T:
    """Await what a method of a role gave; one that is not async is named, with the fix.

    Args:
        given: What the method gave when it was called.
        role: Whose method it is.
        method: The method's name.

    Raises:
        InvalidInputError: it gave nothing that can be awaited.
    """
    if not isinstance(given, Awaitable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the method {method} of {role!r:.80} is not async: it gave {given!r:.80}; define it"
            f" as `async def {method}(...)`, without `yield`"
        )
    return await given


def checked_reference(estimator: Estimator, reference: object) -> Reference:
    """Return what an estimator gave, which is a reference.

    Args:
        estimator: What gave it.
        reference: What it gave.

    Raises:
        InvalidInputError: it is something else.
    """
    if not isinstance(reference, Reference):
        raise InvalidInputError(
            f"the estimator {estimator!r:.80} gave {reference!r:.80}; give a Reference, such as"
            " ctx.reference(rollout)"
        )
    return reference


async def reference_by(estimator: Estimator, group: Group, ctx: Context) -> Reference:
    """Have an estimator estimate inside another one.

    Args:
        estimator: The inner estimator.
        group: What it estimates from.
        ctx: The context that it is given.

    Raises:
        InvalidInputError: its method is not async, or gave something else than a reference.
    """
    given = await result_of(estimator.estimate(group, ctx), estimator, "estimate")
    return checked_reference(estimator, given)
