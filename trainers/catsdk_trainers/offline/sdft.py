"""sdft: self-distillation, where the model that reads the synthesis teaches the one without it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Final

from datasets import Dataset
from transformers import TrainerCallback
from trl.import_utils import TRLExperimentalWarning

from catsdk.core.ports import Provider
from catsdk.data import Source
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.offline.fitting import fit
from catsdk_trainers.offline.pairs import prepared
from catsdk_trainers.trl.arguments import lora_arguments, made, sdft_arguments
from catsdk_trainers.trl.trained import Trained

with warnings.catch_warnings():
    # TRL warns that this part may change, but its version is pinned.
    warnings.simplefilter("ignore", TRLExperimentalWarning)
    from trl.experimental.sdft import SDFTConfig, SDFTTrainer

__all__ = ["sdft"]

TEMPLATE: Final = (
    "{prompt}\n\nHere is a good response, made from several attempts:\n\n{privileged_context}\n\n"
    "Now give a response of your own."
)
"""The teacher's prompt, unless `trl.teacher_prompt_template` sets another."""


def sdft(
    config: CaTConfig,
    data: Source | None = None,
    *,
    teacher: Provider | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume: bool = True,
) -> Trained:
    r"""Distil the policy that reads the synthesis into the policy that does not (arXiv 2601.19897).

    The syntheses are made once and saved, as in `sft`. Then TRL's SDFTTrainer lets the policy
    answer each prompt `rollouts.count` times and moves its distribution at each token towards that
    of the initial policy with the synthesis in its context. The policy therefore learns from its
    own outputs and does not imitate a text. This is not part of the paper.

    Of the config's `sft`, only the epochs, the learning rate and the adapters are used; `batch` and
    `device_batch` count completions, as in `grpo`. Other settings of TRL's `SDFTConfig`, such as
    `distillation_mode` or `teacher_model_kind`, go into `trl`.

    Args:
        config: The settings of the training.
        data: The training data, instead of the config's.
        teacher: A model that answers and synthesizes, instead of `config.sft.sampler`.
        callbacks: Further callbacks of the trainer.
        resume: Whether to resume from the output folder's last checkpoint.

    Returns:
        The result; `stopped_because` says why training ended early, if it did.

    Raises:
        CatError: as for `sft`.

    Example:
        >>> from catsdk.testing import FunctionProvider
        >>> from catsdk.train import CaTConfig, sdft
        >>> teacher = FunctionProvider(lambda request: r"The sum is \boxed{81}.")
        >>> config = CaTConfig(
        ...     model="local", output="run", batch=4, device_batch=4,
        ...     rollouts={"count": 2, "max_tokens": 8}, sft={"epochs": 1, "lora": None},
        ...     trl={"gradient_checkpointing": False},
        ... )
        >>> sdft(config, [{"prompt": "23 + 58"}, {"prompt": "58 + 23"}], teacher=teacher).steps
        1
    """
    # Raises for invalid settings before any call is paid for.
    arguments = made(SDFTConfig, sdft_arguments(config, SDFTConfig, template=TEMPLATE))
    # TRL loads the config's model a second time, as its teacher.
    fewest = config.prompts_of_a_step
    ready = prepared(config, data, teacher=teacher, resume=resume, fewest=fewest)
    rows = [
        {"prompt": pair["prompt"], "privileged_context": pair["completion"][0]["content"]}
        for pair in ready.pairs
    ]
    trainer = SDFTTrainer(
        model=ready.model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=ready.tokenizer,
        peft_config=lora_arguments(config.sft.lora),
    )
    return fit(trainer, config, ready, callbacks, title="CaT-SDFT")
