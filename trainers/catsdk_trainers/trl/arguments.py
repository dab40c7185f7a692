"""Convert a config to the arguments of TRL's trainers."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

import torch
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.sft_config import SFTConfig

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.config.settings import CaTConfig, LoRA

__all__ = [
    "accumulation",
    "grpo_arguments",
    "lora_arguments",
    "made",
    "model_arguments",
    "sdft_arguments",
    "sft_arguments",
]


# The setting in the config that determines an argument of TRL.
_FROM = {
    "output_dir": "output",
    "seed": "seed",
    "max_steps": "steps",
    "per_device_train_batch_size": "device_batch",
    "gradient_accumulation_steps": "batch and device_batch",
    "learning_rate": "learning_rate",
    "beta": "kl",
    "epsilon": "clip",
    "report_to": "reporters",
    "bf16": "precision",
    "num_generations": "rollouts.count",
    "temperature": "rollouts.temperature",
    "top_k": "rollouts.top_k",
    "top_p": "rollouts.top_p",
    "max_completion_length": "rollouts.max_tokens",
    "chat_template_kwargs": "rollouts.chat_template",
    "save_strategy": "checkpoints.every",
    "save_steps": "checkpoints.every",
    "save_total_limit": "checkpoints.keep",
    "eval_strategy": "evaluation.every",
    "eval_steps": "evaluation.every",
    "eval_on_start": "evaluation.at_start",
    "num_generations_eval": "evaluation.rollouts",
    "per_device_eval_batch_size": "evaluation.batch",
    "num_train_epochs": "sft.epochs",
    "warmup_steps": "sft.warmup",
}


def grpo_arguments(config: CaTConfig, *, evaluates: bool) -> dict[str, Any]:
    """Return the arguments of TRL's `GRPOConfig` for a config.

    Args:
        config: The settings of the training.
        evaluates: Whether held-out prompts are evaluated.

    Raises:
        InvalidInputError: the batch does not divide evenly among prompts and devices, or `trl` has
            an argument that the config sets itself, or that TRL does not know.

    Example:
        >>> from catsdk.train import CaTConfig, grpo_arguments
        >>> arguments = grpo_arguments(CaTConfig(model="m"), evaluates=False)
        >>> arguments["num_generations"], arguments["beta"]
        (8, 0.001)
    """
    rollouts = config.rollouts
    if config.batch % rollouts.count:
        whole = rollouts.count * math.ceil(config.batch / rollouts.count)
        raise InvalidInputError(
            f"batch is {config.batch} completions, which make no groups of {rollouts.count}: give a"
            f" multiple of rollouts.count, such as {whole}"
        )
    own = {
        **_common(config, config.batch),
        "max_steps": config.steps,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "constant",
        "beta": config.kl,
        "epsilon": config.clip,
        "loss_type": "grpo",
        "scale_rewards": "group",
        **_rollouts(config),
        # The rows are already ordered for all steps, so that a resumed run sees the same ones.
        "shuffle_dataset": False,
        **(_evaluating(config) if evaluates else {"eval_strategy": "no"}),
    }
    return _joined(own, config.trl, GRPOConfig)


def _evaluating(config: CaTConfig) -> dict[str, Any]:
    plan = config.evaluation
    whole = math.ceil((plan.batch or config.device_batch) / plan.rollouts) * plan.rollouts
    return {
        "eval_strategy": "steps",
        "eval_steps": plan.every,
        "eval_on_start": plan.at_start,
        "num_generations_eval": plan.rollouts,
        "per_device_eval_batch_size": whole,
    }


def sft_arguments(config: CaTConfig, *, evaluates: bool) -> dict[str, Any]:
    """The arguments of `SFTConfig`.

    Raises:
        InvalidInputError: as for `grpo_arguments`.
    """
    plan = config.sft
    own = {
        **_offline(config, plan.batch),
        "lr_scheduler_type": "cosine",
        "warmup_steps": plan.warmup,
        "completion_only_loss": True,
        # Nothing needs to be cut, as the anchor's length is bounded already.
        "max_length": None,
        "save_strategy": "steps",
        "save_steps": plan.evaluate_every,
    }
    if evaluates:
        own |= {
            "eval_strategy": "steps",
            "eval_steps": plan.evaluate_every,
            "per_device_eval_batch_size": config.device_batch,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_loss",
            "greater_is_better": False,
        }
    return _joined(own, config.trl, SFTConfig)


def sdft_arguments(config: CaTConfig, kind: Any, *, template: str) -> dict[str, Any]:
    """The arguments of `kind`, TRL's `SDFTConfig`, which is experimental and so imported late.

    Raises:
        InvalidInputError: as for `grpo_arguments`.
    """
    own = {
        **_offline(config, config.batch),
        **_rollouts(config),
        # Nothing needs to be cut, as the length of the synthesis is bounded already.
        "max_prompt_length": None,
    }
    usual = {"teacher_prompt_template": template, "lr_scheduler_type": "constant"}
    return _joined(own, {**usual, **config.trl}, kind)


def model_arguments(config: CaTConfig, *, lora: LoRA | None) -> dict[str, Any]:
    """How to load the weights: in float32, except for a base model under adapters on a GPU."""
    half = lora is not None and torch.cuda.is_available() and config.precision != "float32"
    return {"dtype": torch.bfloat16 if half else torch.float32}


def lora_arguments(lora: LoRA | None) -> Any:
    """The `LoraConfig` of PEFT, or `None`."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets if isinstance(lora.targets, str) else list(lora.targets),
        task_type="CAUSAL_LM",
    )


def accumulation(batch: int, device_batch: int) -> int:
    """How many passes of each device make a batch.

    Raises:
        InvalidInputError: no whole number does.
    """
    devices = int(os.environ.get("WORLD_SIZE", "1"))
    passes, rest = divmod(batch, device_batch * devices)
    if rest or not passes:
        raise InvalidInputError(
            f"a batch of {batch} is not a multiple of device_batch {device_batch} x {devices}"
            f" devices: set device_batch to one of {_divisors(batch // devices) or 'fewer devices'}"
        )
    return passes


def _divisors(whole: int) -> str:
    return ", ".join(str(each) for each in range(1, whole + 1) if whole % each == 0)


def _rollouts(config: CaTConfig) -> dict[str, Any]:
    """How the policy is sampled in training, and when it is saved."""
    rollouts = config.rollouts
    return {
        "num_generations": rollouts.count,
        "temperature": rollouts.temperature,
        "top_k": rollouts.top_k or 0,
        "top_p": 1.0 if rollouts.top_p is None else rollouts.top_p,
        "max_completion_length": rollouts.max_tokens,
        "chat_template_kwargs": rollouts.chat_template or None,
        "save_strategy": "steps" if config.checkpoints.every else "no",
        "save_steps": config.checkpoints.every or config.steps,
    }


def _offline(config: CaTConfig, batch: int) -> dict[str, Any]:
    """The arguments shared by all trainings on ready-made syntheses."""
    return {
        **_common(config, batch),
        "num_train_epochs": config.sft.epochs,
        "learning_rate": config.sft.learning_rate,
    }


def _common(config: CaTConfig, batch: int) -> dict[str, Any]:
    gpu = torch.cuda.is_available()
    return {
        "output_dir": config.output,
        "seed": config.seed,
        "per_device_train_batch_size": config.device_batch,
        "gradient_accumulation_steps": accumulation(batch, config.device_batch),
        "logging_steps": 1,
        "save_total_limit": config.checkpoints.keep,
        "report_to": list(config.reporters) or "none",
        "use_cpu": not gpu,
        "bf16": config.precision == "bfloat16" or (gpu and config.precision == "auto"),
        "disable_tqdm": True,
    }


def made(kind: Any, arguments: Mapping[str, Any]) -> Any:
    """Make TRL's config from these arguments.

    Raises:
        InvalidInputError: TRL refuses them together.
    """
    try:
        return kind(**arguments)
    except ValueError as error:
        raise InvalidInputError(f"{kind.__name__} of TRL refuses the settings: {error}") from error


def _joined(own: dict[str, Any], others: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    both = sorted(own.keys() & others.keys())
    if both:
        names = [f"trl.{name} (set {_FROM.get(name, 'nothing: it is fixed')})" for name in both]
        raise InvalidInputError(
            f"{', '.join(names)}: these have settings of their own; do not set them under trl"
        )
    known = [field.name for field in fields(kind) if field.init]
    unknown = [name for name in others if name not in known]
    if unknown:
        near = get_close_matches(unknown[0], known, 3)
        raise InvalidInputError(
            f"trl.{unknown[0]}: {kind.__name__} of TRL has no argument {unknown[0]!r}"
            + (f"; did you mean {' or '.join(near)}?" if near else "")
        )
    return own | dict(others)
