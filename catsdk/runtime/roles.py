"""The roles of the method as one-method protocols: whatever has the method can play the role."""

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
    "Proposer",
    "Rater",
    "Rewarder",
    "Sampler",
    "check_role",
    "refuse_class",
    "result_of",
]

T = TypeVar("T")


@runtime_checkable
class Sampler(Protocol):
    """Draws a group of rollouts (paper, section 3.1)."""

    async def sample(self, prompt: PromptLike, n: int, ctx: Context, *, start: int = 0) -> Group:
        """Draw the `n` rollouts from index `start`; those that fail are in `Group.failures`."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """Estimates a reference from a group (paper, section 3.2)."""

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        """The reference of `group`."""
        ...


@runtime_checkable
class Proposer(Protocol):
    """Writes a rubric (paper, section 3.3)."""

    async def propose(self, reference: Reference, ctx: Context) -> Rubric:
        """The rubric for `reference`."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Says which criteria a rollout meets (paper, section 3.3)."""

    async def judge(self, rubric: Rubric, rollout: Rollout, ctx: Context) -> Sequence[Verdict]:
        """One verdict for each of the K criteria, in their order; a failure is a verdict."""
        ...


@runtime_checkable
class Rewarder(Protocol):
    """Gives each rollout of a group its reward (paper, equation 1)."""

    async def reward(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """One score for each rollout; without evidence its value is `None`."""
        ...


@runtime_checkable
class Rater(Protocol):
    """Rates each rollout of a group by itself, without a reference (a judge, a reward model)."""

    async def rate(self, group: Group, ctx: Context) -> Sequence[Score]:
        """One score for each rollout that is there, in their order; higher is better."""
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
