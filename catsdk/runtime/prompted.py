"""PromptedRole: a role that gives a model one task, with its model, sampling and prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from catsdk.core.options import Sampling, check_sampling
from catsdk.core.ports import Provider, capabilities_of
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.tasks import check_slots
from catsdk.runtime.context import Role

__all__ = ["PromptedRole"]


@dataclass(frozen=True)
class PromptedRole:
    """The base of roles that give a model one task, each in the words of a prompt.

    A subclass says which `task` it is, and whose model does it where none is named.

    Raises:
        InvalidInputError: `sampling` is no `Sampling`; or `prompt` lacks a slot of the task, or has
            one that nothing fills.
    """

    model: str | Provider | None = None
    """The model; `None` is the one of the run that plays the role."""
    sampling: Sampling = Sampling(temperature=0.0)
    """Temperature and the like; by default greedy."""
    prompt: Prompt | None = None
    """Replaces the shipped prompt."""

    task: ClassVar[str]
    """The shipped prompt, one of `catsdk.prompts.tasks.TASKS`."""
    role: ClassVar[Role] = "anchor"
    """Whose model it is where none is named."""

    def __post_init__(self) -> None:
        """Check the sampling, and that the prompt has the slots of its task."""
        check_sampling(self.sampling)
        check_slots(self.prompt, self._task())

    def words_for(self, provider: Provider) -> Prompt:
        """Return the role's own prompt, or the shipped one that suits a model.

        Args:
            provider: The model.
        """
        return self.prompt or load(capabilities_of(provider).prompts, self._task())

    def _task(self) -> str:
        return self.task
