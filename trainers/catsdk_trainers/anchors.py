"""PolicyAnchor: an anchor made of the model in training: as it was at the start, averaged, or now."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from transformers import TrainerCallback

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Request
from catsdk_providers.local import LocalProvider

__all__ = ["AnchorKind", "PolicyAnchor"]

AnchorKind = Literal["initial", "average", "current"]


class PolicyAnchor:
    """A provider that answers with the model of the trainer that it is bound to.

    `initial` is the paper's frozen anchor pi_0: with a fresh adapter it is the base model, read
    with the adapter off, at no cost in memory; else the trainer's `ref_model` where it has one that
    is never synchronised; else a frozen copy of the model, with an adapter that was passed in.
    `average` is
    an exponential moving average of the policy (`decay` a step), `current` the policy itself.
    Both of these move: the reference then follows the policy, and what agrees with itself can
    collapse (arXiv 2505.21444). `prompts` names the prompt set that the model understands best.

    Not for models whose weights are split over ranks (ZeRO-3, FSDP): there generation is
    collective, and an anchor behind a server is the way.
    """

    def __init__(
        self, kind: AnchorKind = "initial", *, decay: float = 0.99, prompts: str = "english"
    ) -> None:
        """Choose the anchor; `attach(trainer, reward)` binds it to the trainer's model."""
        if kind not in get_args(AnchorKind):
            raise InvalidInputError(f"kind is {kind!r}; one of {', '.join(get_args(AnchorKind))}")
        if not 0 <= decay < 1:
            raise InvalidInputError(f"decay is {decay!r}; give a number from 0 to under 1")
        self.kind, self.prompts, self._decay = kind, prompts, decay
        self.name = f"policy ({kind})"
        self._model: LocalProvider | None = None

    def bind(self, trainer: Any) -> None:
        """Take the trainer's model as it is now."""
        if getattr(trainer, "is_fsdp_enabled", False) or _zero_stage(trainer) == 3:
            raise ConfigurationError(
                f"the anchor {self.name!r} is in this process, whose weights are split over ranks:"
                " give an anchor behind a server, such as 'vllm:NAME' with the initial weights"
            )
        policy = trainer.accelerator.unwrap_model(trainer.model)
        without_adapter = self.kind == "initial" and _has_fresh_adapter(policy)
        answering = policy if self.kind == "current" or without_adapter else None
        if answering is None:
            answering = (self.kind == "initial" and _reference_model(trainer)) or _frozen(policy)
        processing = trainer.processing_class
        self._model = LocalProvider.of(
            answering,
            getattr(processing, "tokenizer", processing),
            adapter=not without_adapter,
            prompts=self.prompts,
            name=self.name,
        )
        if self.kind == "average":
            trainer.add_callback(_Average(policy, answering, self._decay))

    @property
    def capabilities(self) -> Capabilities:
        """Those of a model in this process."""
        return self._bound().capabilities

    def count_tokens(self, text: str) -> int:
        """The length of `text` in the model's tokens."""
        return self._bound().count_tokens(text)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer as the model does; see `LocalProvider.complete` for the errors."""
        return await self._bound().complete(request, on_text)

    def _bound(self) -> LocalProvider:
        if self._model is None:
            raise ConfigurationError(
                f"the anchor {self.name!r} has no model yet: call attach(trainer, reward) before"
                " trainer.train()"
            )
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_model": None}


class _Average(TrainerCallback):
    """Moves the average towards the policy after each step, and is saved with the checkpoints."""

    def __init__(self, policy: torch.nn.Module, average: torch.nn.Module, decay: float) -> None:
        self._pairs = [
            (old, new)
            for old, new in zip(average.parameters(), policy.parameters(), strict=True)
            if new.requires_grad
        ]
        self._decay = decay

    @torch.no_grad()
    def on_step_end(self, *_: Any, **__: Any) -> None:
        for old, new in self._pairs:
            old.lerp_(new.detach(), 1 - self._decay)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            torch.save([old for old, _ in self._pairs], _kept(args, state))

    @torch.no_grad()
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step and _kept(args, state).exists():
            saved = torch.load(_kept(args, state), map_location="cpu")
            for pair, value in zip(self._pairs, saved, strict=True):
                pair[0].copy_(value)


def _kept(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / "anchor-average.pt"


def _reference_model(trainer: Any) -> Any:
    """The trainer's own frozen model, if there is one that stays as it is."""
    reference = getattr(trainer, "ref_model", None)
    if reference is None or trainer.args.sync_ref_model:
        return None
    return trainer.accelerator.unwrap_model(reference)


def _zero_stage(trainer: Any) -> int | None:
    plugin = getattr(trainer.accelerator.state, "deepspeed_plugin", None)
    return None if plugin is None else int(plugin.zero_stage)


def _has_fresh_adapter(model: torch.nn.Module) -> bool:
    """Whether the model has an adapter that adds nothing yet: LoRA's second matrices are zero."""
    second = [p for name, p in model.named_parameters() if "lora_B" in name]
    return bool(second) and not any(torch.count_nonzero(p) for p in second)


def _frozen(model: Any) -> Any:
    copy = deepcopy(model)
    # Trainers hang a forward of their own on a model, whose closure keeps calling the original.
    for module in copy.modules():
        module.__dict__.pop("forward", None)
    copy.requires_grad_(False)
    copy.train(False)
    return copy
