"""grpo: CaT-RL from a config, on TRL's GRPOTrainer, that can be left running and resumed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from catsdk.core.errors import InvalidInputError, UnknownProviderError
from catsdk.core.ports import Provider
from catsdk.core.registry import resolve
from catsdk_trainers.anchors import AnchorKind, PolicyAnchor
from catsdk_trainers.arguments import (
    check_weights,
    grpo_arguments,
    lora_arguments,
    model_arguments,
)
from catsdk_trainers.attach import attach
from catsdk_trainers.config import CaTConfig
from catsdk_trainers.data import Rows, fingerprint, order, rows_of, training_rows
from catsdk_trainers.planning import needs_anchor, planned_examiner, planned_scorer
from catsdk_trainers.progress import ShowProgress
from catsdk_trainers.ranks import on_first_rank
from catsdk_trainers.resuming import MarkWhole, begin
from catsdk_trainers.stopping import EarlyStop
from catsdk_trainers.trained import Trained
from catsdk_trainers.trl_reward import GroupReward, OpenScorer

__all__ = ["grpo"]


def grpo(
    config: CaTConfig,
    data: Rows | None = None,
    held_out: Rows | None = None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    anchor: Provider | None = None,
    judge: Provider | None = None,
    scorer: OpenScorer | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume: bool = True,
) -> Trained:
    """Train by GRPO on the rewards of `config` (CaT-RL; paper, section 3), and save the model.

    `data` and `held_out` replace the config's; `model` with its `tokenizer`, `anchor` and `judge`
    are objects in place of the names there; `scorer` replaces the reward. With `resume`, a run
    that was ended before goes on from its last whole checkpoint: same data order, same random
    numbers, so the same rewards where the anchor repeats itself. Under a launcher (torchrun,
    accelerate) each rank calls this.

    Raises:
        InvalidInputError: the config and the data do not fit each other.
        ConfigurationError: the output folder holds another run; or the anchor cannot be frozen.
        ModelNotFoundError: there is no such model.
        AnchorDriftedError: a frozen anchor changed (`on_drift: stop`).
        ScoringFailedError: too many groups had no reward for too long.
    """
    rows = training_rows(data, config)
    tests = _tests(config, held_out)
    arguments = GRPOConfig(
        **grpo_arguments(config, evaluates=bool(tests)),
        model_init_kwargs=None if model is not None else model_arguments(config, lora=config.lora),
    )
    _check_checkpoints(config, arguments)
    teacher = anchor or _anchor(config)
    if model is None:
        check_weights(config.model)
    reward = _reward(config, teacher, judge, scorer)
    trainer = GRPOTrainer(
        model=config.model if model is None else model,
        reward_funcs=cast("Any", reward),
        args=arguments,
        train_dataset=_in_order(rows, config),
        eval_dataset=Dataset.from_list(tests) if tests else None,
        processing_class=tokenizer,
        peft_config=lora_arguments(config.lora),
    )
    watched = resolve(teacher) if isinstance(teacher, str) else teacher
    attach(
        trainer,
        reward,
        watched,
        probe_every=config.anchor.probe_every,
        on_drift=config.anchor.on_drift,
    )
    stop = EarlyStop(config.stop)
    trainer.remove_callback(PrinterCallback)
    for callback in (*callbacks, ShowProgress("CaT-RL"), stop, MarkWhole()):
        trainer.add_callback(callback)
    prints = {"data": fingerprint(rows), "held_out": fingerprint(tests)}
    at = on_first_rank(lambda: begin(Path(config.output), config, prints, resume=resume))
    try:
        trainer.train(resume_from_checkpoint=None if at is None else str(at))
    finally:
        reward.close()
    trainer.save_model(config.output)
    state = trainer.state
    return Trained(
        Path(config.output), state.global_step, tuple(state.log_history), stop.because, at
    )


def _tests(config: CaTConfig, held_out: Rows | None) -> list[dict[str, Any]]:
    found = config.held_out if held_out is None else held_out
    if found is None or not config.evaluation.every:
        return []
    return rows_of(found, config)[: config.evaluation.prompts]


def _in_order(rows: list[dict[str, Any]], config: CaTConfig) -> Dataset:
    positions = order(len(rows), config.steps * config.prompts_of_a_step, config.seed)
    return Dataset.from_list(rows).select(positions)


def _anchor(config: CaTConfig) -> Provider | str | None:
    if not needs_anchor(config):
        return None
    plan = config.anchor
    if plan.model in get_args(AnchorKind):
        kind = cast("AnchorKind", plan.model)
        return PolicyAnchor(kind, decay=plan.decay, prompts=plan.prompts)
    try:
        resolve(plan.model)
    except UnknownProviderError as error:
        kinds = ", ".join(get_args(AnchorKind))
        raise UnknownProviderError(f"anchor.model is none of {kinds}, and {error}") from None
    return plan.model


def _reward(
    config: CaTConfig,
    anchor: Provider | str | None,
    judge: Provider | None,
    scorer: OpenScorer | None,
) -> GroupReward:
    examiner = None
    if anchor is not None and config.evaluation.every:
        examiner = partial(planned_examiner, config, anchor)
    return GroupReward(
        scorer or partial(planned_scorer, config, anchor, judge),
        config.rollouts.count,
        open_examiner=examiner,
        deadline=config.failing.deadline,
        abort_share=config.failing.share,
        abort_after=config.failing.steps,
        name="+".join(config.reward.parts),
    )


def _check_checkpoints(config: CaTConfig, arguments: Any) -> None:
    """A checkpoint between two generations would lose the completions that are still to be used."""
    passes = arguments.steps_per_generation * arguments.num_iterations
    period = passes // arguments.gradient_accumulation_steps
    if config.checkpoints.every and period and config.checkpoints.every % period:
        raise InvalidInputError(
            f"checkpoints.every is {config.checkpoints.every} steps, but a generation lasts"
            f" {period}: give a multiple of that, so that a run can be resumed exactly"
        )
