"""The models behind a `PolicyAnchor`: the base under an adapter, a frozen copy, an average."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from catsdk.core.errors import ConfigurationError
from catsdk_providers.local.provider import LocalProvider

__all__ = ["provider_of"]


def provider_of(
    trainer: Any, kind: str, *, decay: float, prompts: str | None, name: str
) -> LocalProvider:
    """Make the provider of an anchor from the trainer's model as it is now.

    Args:
        trainer: A trainer of TRL; an average adds a callback to it.
        kind: `initial`, `average` or `current`.
        decay: The decay of the average per step.
        prompts: The prompt set that the model understands best; `None` uses the model's own choice.
        name: The name under which its calls are listed.

    Raises:
        ConfigurationError: the weights are split over ranks.
    """
    if getattr(trainer, "is_fsdp_enabled", False) or _zero_stage(trainer) == 3:
        raise ConfigurationError(
            f"the anchor {name!r} is in this process, where the weights are split over ranks:"
            " use an anchor behind a server, such as 'vllm:NAME' with the initial weights"
        )
    policy = trainer.accelerator.unwrap_model(trainer.model)
    without_adapter = kind == "initial" and _has_fresh_adapter(policy)
    answering = policy if kind == "current" or without_adapter else None
    if answering is None:
        answering = (kind == "initial" and _reference_model(trainer)) or _frozen(policy)
    if kind == "average":
        trainer.add_callback(_Average(policy, answering, decay))
    processing = trainer.processing_class
    return LocalProvider.of(
        answering,
        getattr(processing, "tokenizer", processing),
        adapter=not without_adapter,
        prompts=prompts,
        name=name,
    )


class _Average(TrainerCallback):
    """Moves the average towards the policy after each step, and saves it with the checkpoints."""

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
    """The trainer's own frozen model, if it has one that never changes."""
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
    # Trainers replace a model's `forward`, and a copy's replacement would still call the original.
    for module in copy.modules():
        module.__dict__.pop("forward", None)
    copy.requires_grad_(False)
    copy.train(False)
    return copy
