"""sft: CaT-SFT from a config: synthesize once with the initial policy, then fine-tune."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import EarlyStoppingCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from catsdk.core.ports import Provider
from catsdk.data import Source
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.rows import order
from catsdk_trainers.offline.fitting import fit
from catsdk_trainers.offline.pairs import prepared
from catsdk_trainers.trl.arguments import lora_arguments, made, sft_arguments
from catsdk_trainers.trl.trained import Trained

__all__ = ["sft"]


def sft(
    config: CaTConfig,
    data: Source | None = None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    teacher: Provider | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume: bool = True,
) -> Trained:
    r"""Fine-tune on (prompt, synthesis) pairs made offline (CaT-SFT; paper, section 4).

    First the initial policy, in this process or named by `config.sft.sampler`, answers each prompt
    G times and synthesizes. The pairs are saved in `synthesized.jsonl` in the output folder and
    reused, even without `resume`, as long as the model, the settings and the rows are the same.
    Then TRL's SFTTrainer trains on them and stops early when the validation loss stops falling. A
    `PolicyAnchor` in the config's estimator is that same initial policy. Under a launcher the first
    rank makes the pairs and the others wait. When the config's `budget` is used up, the remaining
    prompts get no pair; its time limit also ends the fine-tuning.

    Args:
        config: The settings of the training.
        data: The training data, instead of the config's.
        model: A model object instead of the config's name; needs `tokenizer`.
        tokenizer: The tokenizer of `model`.
        teacher: A provider object instead of `config.sft.sampler`.
        callbacks: Further callbacks of the trainer.
        resume: Whether to resume from the output folder's last checkpoint.

    Returns:
        The result; `stopped_because` says why training ended early, if it did.

    Raises:
        InvalidInputError: the config and the data do not fit each other.
        ConfigurationError: the output folder holds another run.
        ModelNotFoundError: there is no such model.
        NoEvidenceError: no prompt could be synthesized.

    Example:
        >>> from catsdk.testing import FunctionProvider
        >>> from catsdk.train import CaTConfig, sft
        >>> from catsdk_providers.box import BOX
        >>> teacher = FunctionProvider(lambda request: r"The sum is \boxed{81}.")
        >>> plan = {"epochs": 1, "batch": 2, "validation": 0.0, "lora": None}
        >>> config = CaTConfig(model=str(BOX), output="run", device_batch=2, sft=plan)
        >>> rows = [{"prompt": "23 + 58"}, {"prompt": "58 + 23"}]
        >>> sft(config, rows, teacher=teacher).steps
        1
    """
    # Raises for invalid settings before any call is paid for.
    made(SFTConfig, sft_arguments(config, evaluates=True))
    ready = prepared(config, data, model=model, tokenizer=tokenizer, teacher=teacher, resume=resume)
    tests, training = _split(ready.pairs, config.sft.validation, config.seed)
    trainer = SFTTrainer(
        model=ready.model,
        args=made(SFTConfig, sft_arguments(config, evaluates=bool(tests))),
        train_dataset=Dataset.from_list(training),
        eval_dataset=Dataset.from_list(tests) if tests else None,
        processing_class=ready.tokenizer,
        peft_config=lora_arguments(config.sft.lora),
    )
    patience = config.sft.patience
    early = [EarlyStoppingCallback(patience)] if tests else []
    return fit(
        trainer,
        config,
        ready,
        (*early, *callbacks),
        title="CaT-SFT",
        early=f"no better validation loss {patience} times in a row",
    )


def _split(pairs: list[Any], share: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Split the rows into validation rows (at least one, if any are wanted) and training rows."""
    shuffled = [pairs[at] for at in order(len(pairs), len(pairs), seed)]
    count = max(1, round(share * len(pairs))) if share and len(pairs) > 1 else 0
    return shuffled[:count], shuffled[count:]
