"""grpo: CaT-RL from a config, on TRL's GRPOTrainer, that can be left running and resumed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast, get_args

from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError, UnknownProviderError
from catsdk.core.registry import resolve
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.gold import check_gold, gold_rewards, golds_of, of_one_kind
from catsdk_trainers.data.rows import Rows, fingerprint, order, rows_of, training_rows
from catsdk_trainers.trl.anchors import AnchorKind
from catsdk_trainers.trl.arguments import (
    check_weights,
    grpo_arguments,
    lora_arguments,
    model_arguments,
)
from catsdk_trainers.trl.attach import attach
from catsdk_trainers.trl.describing import cat_of, teacher_of
from catsdk_trainers.trl.examining import Examiner
from catsdk_trainers.trl.progress import ShowProgress
from catsdk_trainers.trl.ranks import on_first_rank
from catsdk_trainers.trl.resuming import MarkWhole, begin
from catsdk_trainers.trl.reward import GroupReward
from catsdk_trainers.trl.role_anchors import anchors_of
from catsdk_trainers.trl.stopping import EarlyStop
from catsdk_trainers.trl.trained import Trained

__all__ = ["grpo"]


def grpo(
    config: CaTConfig,
    data: Rows | None = None,
    held_out: Rows | None = None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    cat: CaT | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume: bool = True,
) -> Trained:
    """Train by GRPO on the rewards of a CaT (CaT-RL; paper, section 3), and save the model.

    With `resume`, a run that was ended before goes on from its last whole checkpoint: same data
    order, same random numbers, so the same rewards where the anchor repeats itself. Under a
    launcher (torchrun, accelerate) each rank calls this.

    Args:
        config: The training.
        data: The training data, in place of the config's.
        held_out: Prompts that only measure, in place of the config's.
        model: A model in place of the name in the config, with its `tokenizer`.
        tokenizer: The tokenizer of `model`.
        cat: What rewards, in place of the config's section `cat`: it may hold objects that no file
            can, and its roles sample as they say themselves.
        callbacks: Further callbacks of the trainer.
        resume: Whether to go on from the output folder's last checkpoint, and with the budget that
            is left; else both begin anew.

    Returns:
        What was done; `stopped_because` says why training ended early, if it did.

    Raises:
        InvalidInputError: the config and the data do not fit each other, such as a `Gold` reward
            and rows without known answers.
        ConfigurationError: the output folder holds another run; or the anchor cannot be frozen.
        ModelNotFoundError: there is no such model.
        BudgetExceededError: earlier starts used up the budget.
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
    reward = _reward(config, cat, evaluates=bool(tests))
    check_gold(reward.cat, rows)
    for place, row in enumerate(tests):
        golds_of(reward.cat, row, config.evaluation.answer, place)
    if model is None:
        check_weights(config.model)
    answers = [config.evaluation.answer, *(g.column for g in gold_rewards(reward.cat.rewarder))]
    trainer = GRPOTrainer(
        model=config.model if model is None else model,
        reward_funcs=cast("Any", reward),
        args=arguments,
        train_dataset=_in_order(of_one_kind(rows, answers), config),
        eval_dataset=Dataset.from_list(of_one_kind(tests, answers)) if tests else None,
        processing_class=tokenizer,
        peft_config=lora_arguments(config.lora),
    )
    attach(trainer, reward, probe_every=config.probe.every, on_drift=config.probe.on_drift)
    stop = EarlyStop(config.stop)
    trainer.remove_callback(PrinterCallback)
    for callback in (*callbacks, ShowProgress("CaT-RL"), stop, MarkWhole()):
        trainer.add_callback(callback)
    prints = {"data": fingerprint(rows), "held_out": fingerprint(tests)}
    if cat is not None:
        prints |= _fingerprint(cat)
    begun: Path | None = on_first_rank(
        lambda: begin(Path(config.output), config, prints, resume=resume)
    )
    try:
        trainer.train(resume_from_checkpoint=None if begun is None else str(begun))
    finally:
        reward.close()
    trainer.save_model(config.output)
    state = trainer.state
    because = stop.because or reward.spending.ended
    return Trained(Path(config.output), state.global_step, tuple(state.log_history), because, begun)


def _fingerprint(c: CaT) -> dict[str, str]:
    """What tells `c` from another; nothing where a role of the user's own cannot be written."""
    try:
        return {"cat": c.fingerprint}
    except InvalidInputError:
        return {}


def _tests(config: CaTConfig, held_out: Rows | None) -> list[dict[str, Any]]:
    found = config.held_out if held_out is None else held_out
    if found is None or not config.evaluation.every:
        return []
    return rows_of(found, config)[: config.evaluation.prompts]


def _in_order(rows: list[dict[str, Any]], config: CaTConfig) -> Dataset:
    positions = order(len(rows), config.steps * config.prompts_of_a_step, config.seed)
    return Dataset.from_list(rows).select(positions)


def _reward(config: CaTConfig, cat: CaT | None, *, evaluates: bool) -> GroupReward:
    """The reward function; a name of an anchor that nobody knows is found before weights load."""
    examiner = None
    if evaluates:
        examiner = Examiner(config.evaluation.answer, None if cat else teacher_of(config))
    reward = GroupReward(
        cat or cat_of(config),
        config.rollouts.count,
        held_out=examiner,
        failing=config.failing,
        budget=config.budget,
    )
    teacher = None if examiner is None else examiner.estimator or reward.cat.estimator
    for anchor in anchors_of(reward.cat, teacher):
        if isinstance(anchor, str):
            _check_named(anchor)
    return reward


def _check_named(anchor: str) -> None:
    try:
        resolve(anchor)
    except UnknownProviderError as error:
        kinds = ", ".join(get_args(AnchorKind))
        raise UnknownProviderError(
            f"{error}; for an anchor made of the model in training write"
            f" {{PolicyAnchor: {{kind: KIND}}}}, KIND one of {kinds}"
        ) from None


def _check_checkpoints(config: CaTConfig, arguments: Any) -> None:
    """A checkpoint between two generations would lose the completions that are still to be used."""
    passes = arguments.steps_per_generation * arguments.num_iterations
    period = passes // arguments.gradient_accumulation_steps
    if config.checkpoints.every and period and config.checkpoints.every % period:
        raise InvalidInputError(
            f"checkpoints.every is {config.checkpoints.every} steps, but a generation lasts"
            f" {period}: give a multiple of that, so that a run can be resumed exactly"
        )
