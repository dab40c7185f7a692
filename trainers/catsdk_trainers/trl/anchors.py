"""PolicyAnchor: the model in training as the anchor: its initial, averaged or current weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Message, Request

if TYPE_CHECKING:
    from catsdk_providers.local.provider import LocalProvider

__all__ = ["AnchorKind", "PolicyAnchor"]

AnchorKind = Literal["initial", "average", "current"]


class PolicyAnchor:
    """A model for the roles of a `CaT`: the model in training, to which `attach` binds it.

    `initial` is the paper's frozen anchor pi_0. With a fresh adapter it is the base model, used
    with the adapter off, which takes no extra memory. Otherwise it is the trainer's `ref_model`, if
    there is one that is never synchronised, or else a frozen copy of the model, including an
    adapter that was passed in. `average` is an exponential moving average of the policy, and
    `current` the policy itself. With these two the reference follows the policy, and a policy that
    is rewarded for agreeing with itself can collapse (arXiv 2505.21444).

    It does not work for models whose weights are split over ranks (ZeRO-3, FSDP), where generation
    is collective; use an anchor behind a server there.

    Args:
        kind: `initial`, `average` or `current`.
        decay: How much of the average is kept in each step, from 0 to under 1.
        prompts: The prompt set that the model understands best; `None` uses the one named in its
            configuration (see `LocalProvider`), or else `english`.

    Raises:
        InvalidInputError: `kind` is not one of the three, or `decay` is out of range.

    Example:
        >>> from catsdk.train import PolicyAnchor
        >>> PolicyAnchor("average", decay=0.9)
        PolicyAnchor('average', decay=0.9)
    """

    # Its calls cost no money; read by the price wrapper.
    free = True

    def __init__(
        self, kind: AnchorKind = "initial", *, decay: float = 0.99, prompts: str | None = None
    ) -> None:
        """Choose the anchor; `attach(trainer, reward)` binds it to the trainer's model."""
        if kind not in get_args(AnchorKind):
            raise InvalidInputError(f"kind is {kind!r}; one of {', '.join(get_args(AnchorKind))}")
        if not 0 <= decay < 1:
            raise InvalidInputError(f"decay is {decay!r}; give a number from 0 to under 1")
        self.kind, self.decay, self.prompts = kind, decay, prompts
        self.name = f"policy ({kind})"
        self._model: LocalProvider | None = None

    def __repr__(self) -> str:
        """The anchor as it is written in code."""
        told = self.as_recipe()
        kind = repr(told.pop("kind"))
        return f"PolicyAnchor({', '.join([kind, *(f'{k}={v!r}' for k, v in told.items())])})"

    def __eq__(self, other: object) -> bool:
        """Whether both have the same settings, whatever they are bound to."""
        return isinstance(other, PolicyAnchor) and self.as_recipe() == other.as_recipe()

    def __hash__(self) -> int:
        """The same for all equal anchors."""
        return hash((self.kind, self.decay, self.prompts))

    def as_recipe(self) -> dict[str, Any]:
        """Return the kind, and the arguments that differ from their defaults."""
        told: dict[str, Any] = {"kind": self.kind}
        if self.kind == "average" and self.decay != 0.99:
            told["decay"] = self.decay
        if self.prompts is not None:
            told["prompts"] = self.prompts
        return told

    def bind(self, trainer: Any) -> None:
        """Take the trainer's model as it is now.

        Args:
            trainer: The trainer.

        Raises:
            ConfigurationError: the model's weights are split over ranks.
        """
        from catsdk_trainers.trl.anchor_models import provider_of

        self._model = provider_of(
            trainer, self.kind, decay=self.decay, prompts=self.prompts, name=self.name
        )

    def bind_like(self, other: PolicyAnchor) -> None:
        """Share the model of an equal anchor, so that it is in memory only once.

        Args:
            other: The equal anchor.
        """
        self._model = other._model

    @property
    def moves(self) -> bool:
        """Whether its answers change from step to step, so that they must not be cached."""
        return self.kind != "initial"

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of a model in this process."""
        return self._bound().capabilities

    def count_tokens(self, text: str) -> int:
        """The length of `text` in the model's tokens."""
        return self._bound().count_tokens(text)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer as the model does; see `LocalProvider.complete` for the errors."""
        return await self._bound().complete(request, on_text)

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """Score the probability of a text; see `LocalProvider.score`."""
        return await self._bound().score(messages, text)

    def _bound(self) -> LocalProvider:
        if self._model is None:
            raise ConfigurationError(
                f"the anchor {self.name!r} has no model yet: call attach(trainer, reward) before"
                " trainer.train()"
            )
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_model": None}
