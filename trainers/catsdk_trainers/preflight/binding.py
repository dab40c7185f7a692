"""The method of a training, with its policy anchors bound to the initial policy in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from catsdk.cat import CaT
from catsdk.core.sending import Limits, Timeouts
from catsdk.method.role_tree import changed, fields_of, parts_of
from catsdk.runtime.client import Client
from catsdk.runtime.roles import Estimator
from catsdk.sampling.sampler import Sampler
from catsdk_providers.local.provider import LocalProvider
from catsdk_trainers.config.settings import PAPER, CaTConfig
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.describing import policy_sampling, teacher_of

__all__ = ["Initial"]

_PATIENT: Final = Timeouts(attempt=86_400, call=86_400)
"""A model in this process merges requests into batches, so each of them can take long."""


@dataclass(frozen=True)
class Initial:
    """The policy before the first step, when every `PolicyAnchor` is that same model.

    Args:
        config: The settings of the training.
        model: Its weights.
        tokenizer: Their tokenizer.
    """

    config: CaTConfig
    model: Any
    tokenizer: Any

    @property
    def sending(self) -> Client:
        """The client settings for its rollouts."""
        return Client(limits=Limits(in_flight=4096), timeouts=_PATIENT, cache="")

    @property
    def sampler(self) -> Sampler:
        """A sampler that samples as the trainer does: unchanged prompts, the config's rollouts."""
        sampling = policy_sampling(self.config).model_copy(update={"logprobs": True})
        return Sampler(self._provider(), sampling, self.config.seed, ask=False)

    def method(self, c: CaT) -> CaT:
        """The method `c`, with this model in place of its policy anchors."""
        return CaT(
            changed(c.sampler, self._bound),
            estimator=changed(c.estimator, self._bound) if c.estimates else None,
            reward=changed(c.rewarder, self._bound),
            client=c.client if c.client.named else Client(timeouts=_PATIENT),
            answers=c.answers,
        )

    def second_view(self, c: CaT) -> Estimator | None:
        """A second view of majorities: the paper's synthesis by this model.

        `None` if the teacher of `c` calls a model, which is then the second view itself.
        """
        asks = any(
            name == "anchor" for part in parts_of(c.estimator) for name, _ in fields_of(part)
        )
        if c.estimates and asks:
            return None
        return changed(teacher_of(self.config.model_copy(update={"cat": dict(PAPER)})), self._bound)

    def _bound(self, part: Any) -> Any:
        return self._provider(part.prompts) if isinstance(part, PolicyAnchor) else part

    def _provider(self, prompts: str | None = None) -> LocalProvider:
        name = self.config.model
        return LocalProvider.of(self.model, self.tokenizer, prompts=prompts, name=name)
