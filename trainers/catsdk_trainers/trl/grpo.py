"""grpo: CaT-RL from a config, on TRL's GRPOTrainer, for unattended runs that can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.data import Source
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.first_answers import FirstAnswers
from catsdk_trainers.data.gold import check_gold, gold_rewards, golds_of
from catsdk_trainers.data.rows import answer_column, both_rows, fingerprint, order, values_of
from catsdk_trainers.data.tables import table_of
from catsdk_trainers.trl.advising import CompareWithVote
from catsdk_trainers.trl.arguments import (
    grpo_arguments,
    lora_arguments,
    made,
    model_arguments,
)
from catsdk_trainers.trl.attach import attach
from catsdk_trainers.trl.describing import cat_of, teacher_of
from catsdk_trainers.trl.examining import Examiner
from catsdk_trainers.trl.progress import ShowProgress
from catsdk_trainers.trl.ranks import on_first_rank
from catsdk_trainers.trl.resuming import MarkWhole, begin
from catsdk_trainers.trl.reward import GroupReward
from catsdk_trainers.trl.role_anchors import anchors_of, check_models
from catsdk_trainers.trl.stopping import EarlyStop
from catsdk_trainers.trl.trained import Trained
from catsdk_trainers.trl.weights import initial_weights

__all__ = ["grpo"]


def grpo(
    config: CaTConfig,
    data: Source | None = None,
    held_out: Source | None = None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    cat: CaT | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    tools: Sequence[Callable[..., Any]] = (),
    environment_factory: Callable[[], Any] | Mapping[str, Callable[[], Any]] | None = None,
    resume: bool = True,
) -> Trained:
    """Train with GRPO on the rewards of a CaT (CaT-RL; paper, section 3), and save the model.

    With `resume`, an interrupted run continues from its last complete checkpoint, with the same
    data order and random numbers, and so with the same rewards if the anchor is deterministic.
    Under a launcher (torchrun, accelerate) each rank calls this.

    Args:
        config: The settings of the training.
        data: The training data, instead of the config's.
        held_out: Prompts for evaluation only, instead of the config's.
        model: A model object instead of the config's name; needs `tokenizer`.
        tokenizer: The tokenizer of `model`.
        cat: The method that rewards, instead of the config's section `cat`. It may hold objects
            that a file cannot, and its roles use their own sampling.
        callbacks: Further callbacks of the trainer.
        tools: Functions that the policy may call in a rollout; see TRL's `tools`.
        environment_factory: Makes the environment of a rollout; see TRL's argument of that name:
            one factory, or one for each name in the column `environment`. A rollout is then a whole
            trajectory, of which only the policy's own messages are read and rewarded; all rollouts
            of a group must begin with the same observation.
        resume: Whether to continue from the output folder's last checkpoint, with the remaining
            budget; otherwise both start over.

    Returns:
        The result; `stopped_because` says why training ended early, if it did.

    Raises:
        InvalidInputError: the config and the data do not fit each other, such as a `Gold` reward
            and rows without known answers.
        ConfigurationError: the output folder holds another run, the anchor cannot be frozen, or
            the key of a service is missing.
        ModelNotFoundError: there is no such model.
        BudgetExceededError: earlier starts used up the budget.
        AnchorDriftedError: a frozen anchor changed (`on_drift: stop`).
        ScoringFailedError: too many groups had no reward for too long.

    Example:
        >>> from catsdk.train import CaTConfig, grpo
        >>> from catsdk_providers.box import BOX
        >>> config = CaTConfig(
        ...     model=str(BOX), output="run", steps=1, batch=4, device_batch=4,
        ...     rollouts={"count": 2, "max_tokens": 8}, cat={"reward": "Gold"},
        ...     trl={"gradient_checkpointing": False},
        ... )
        >>> grpo(config, [{"prompt": "23 + 58", "answer": "81"}]).steps
        1
    """
    rows, tests = both_rows(data, held_out, config)
    known = answer_column(tests, config) if tests else None
    loading = None if model is not None else model_arguments(config, lora=config.lora)
    asked = grpo_arguments(config, evaluates=bool(tests))
    arguments = made(GRPOConfig, {**asked, "model_init_kwargs": loading})
    _check_checkpoints(config, arguments)
    reward = _reward(config, cat, known)
    check_gold(reward.cat, rows)
    named = (gold.column for gold in gold_rewards(reward.cat.rewarder))
    answers = [known or config.evaluation.answer or "answer", *named]
    for row in tests:
        golds_of(reward.cat, row, answers[0])
    training = _in_order(table_of(rows, answers), config)
    evaluation = table_of(tests, answers) if tests else None
    trainer = GRPOTrainer(
        model=initial_weights(config) if model is None else model,
        reward_funcs=cast("Any", reward),
        args=arguments,
        train_dataset=training,
        eval_dataset=evaluation,
        processing_class=tokenizer,
        peft_config=lora_arguments(config.lora),
        tools=list(tools) or None,
        environment_factory=cast("Any", environment_factory),
    )
    attach(
        trainer,
        reward,
        probe_every=config.probe.every,
        on_drift=config.probe.on_drift,
        keep_megabytes=config.checkpoints.groups,
    )
    stop = EarlyStop(config.stop)
    vote = CompareWithVote(config.stop, len(tests), asks=bool(anchors_of(reward.cat)))
    trainer.remove_callback(PrinterCallback)
    for callback in (*callbacks, ShowProgress("CaT-RL"), vote, stop, MarkWhole()):
        trainer.add_callback(callback)
    prints = {"data": fingerprint(values_of(rows)), "held_out": fingerprint(values_of(tests))}
    if cat is not None:
        prints |= _fingerprint(cat)
    begun: Path | None = on_first_rank(
        lambda: begin(Path(config.output), config, prints, resume=resume)
    )
    try:
        trainer.train(resume_from_checkpoint=None if begun is None else str(begun))
    finally:
        reward.close()
    reward.check_learned()
    trainer.save_model(config.output)
    state = trainer.state
    because = vote.because or stop.because or reward.spending.ended
    return Trained(Path(config.output), state.global_step, tuple(state.log_history), because, begun)


def _fingerprint(c: CaT) -> dict[str, str]:
    """A fingerprint of `c`; empty if a user's own role cannot be written as a recipe."""
    try:
        return {"cat": c.fingerprint}
    except InvalidInputError:
        return {}


def _in_order(table: Dataset, config: CaTConfig) -> Dataset:
    positions = order(len(table), config.steps * config.prompts_of_a_step, config.seed)
    return table.select(positions)


def _reward(config: CaTConfig, cat: CaT | None, known: str | None) -> GroupReward:
    """Make the reward function; wrong names and missing keys raise before weights are loaded.

    If there are held-out rows, `known` is the column with their known answers.
    """
    examiner = None
    if known is not None:
        first = FirstAnswers(Path(config.output))
        examiner = Examiner(known, None if cat else teacher_of(config), first)
    reward = GroupReward(
        cat or cat_of(config),
        config.rollouts.count,
        held_out=examiner,
        failing=config.failing,
        budget=config.budget,
    )
    teacher = None if examiner is None else examiner.estimator or reward.cat.estimator
    check_models(reward.cat, teacher)
    return reward


def _check_checkpoints(config: CaTConfig, arguments: Any) -> None:
    """Raise for checkpoints between generations, which would lose completions not used yet."""
    passes = arguments.steps_per_generation * arguments.num_iterations
    period = passes // arguments.gradient_accumulation_steps
    if config.checkpoints.every and period and config.checkpoints.every % period:
        raise InvalidInputError(
            f"checkpoints.every is {config.checkpoints.every} steps, but a generation lasts"
            f" {period}: give a multiple of that, so that a run can be resumed exactly"
        )
