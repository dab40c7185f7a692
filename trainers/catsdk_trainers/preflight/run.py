"""preflight: sample a little with a training's config, and say if it is likely to pay off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from anyio.from_thread import start_blocking_portal
from transformers import AutoModelForCausalLM, AutoTokenizer

from catsdk.cat import CaT
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.data import Source
from catsdk.recipes import written
from catsdk.runtime.spending.account import Account
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.gold import check_gold, golds_of
from catsdk_trainers.data.rows import answer_column, both_rows, order, values_of
from catsdk_trainers.preflight.binding import Initial
from catsdk_trainers.preflight.consensus import Consensus
from catsdk_trainers.preflight.forecast import Forecast
from catsdk_trainers.preflight.looking import Looked, Looking, OnProgress
from catsdk_trainers.preflight.report import Preflight
from catsdk_trainers.preflight.rule import answer_of, checks_of
from catsdk_trainers.preflight.seen import Seen
from catsdk_trainers.preflight.signs import measured
from catsdk_trainers.trl.arguments import grpo_arguments, model_arguments
from catsdk_trainers.trl.describing import cat_of, teacher_of
from catsdk_trainers.trl.role_anchors import check_models
from catsdk_trainers.trl.weights import initial_weights

__all__ = ["preflight"]


def preflight(
    config: CaTConfig,
    data: Source | None = None,
    held_out: Source | None = None,
    *,
    prompts: int = 32,
    model: Any = None,
    tokenizer: Any = None,
    cat: CaT | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> Preflight:
    """Sample some prompts as the training would, reward them by its method, and apply the rule.

    The initial policy, in this process, answers the first prompts of the training, which are
    rewarded as in the first step. So are held-out prompts, whose known answers show whether the
    rewards favour right answers. Without held-out prompts, known answers in the training's rows are
    used, if there are any, but only to measure. Nothing is trained.

    Args:
        config: The settings of the training. Its `budget` caps what anchor and judge spend here.
        data: The training data, instead of the config's.
        held_out: Prompts with known answers, instead of the config's.
        prompts: The maximum number of prompts of each kind.
        model: A model object instead of the config's name; needs `tokenizer`.
        tokenizer: The tokenizer of `model`.
        cat: The method that rewards, instead of the config's section `cat`.
        on_progress: Called with the step (`sampling`, `rewarding` or `comparing`), how many prompts
            have finished it, and how many there are.

    Returns:
        The measures, and whether the training is likely to pay off. A measure that could not be
        taken is unknown, with the cause.

    Raises:
        InvalidInputError: the config and the data do not fit each other, or `prompts` is under 1.
        ConfigurationError: a model cannot be asked at all.
        ModelNotFoundError: there is no such model.

    Example:
        >>> from catsdk.train import preflight, preset
        >>> config = preset("box", rollouts={"count": 4, "max_tokens": 100})
        >>> found = preflight(config, prompts=2)
        >>> found.prompts, found.graded, found.pays  # too few prompts to say more
        (2, 2, 'unknown')
    """
    if type(prompts) is not int or prompts < 1:
        raise InvalidInputError(f"prompts is {prompts!r}; give a whole number from 1")
    method = cat or cat_of(config)
    chosen = _Chosen.of(config, method, data, held_out, prompts)
    evaluates = bool(chosen.held_out and config.evaluation.every)
    grpo_arguments(config, evaluates=evaluates)
    teacher = (cat.estimator if cat else teacher_of(config)) if evaluates else None
    check_models(method, teacher)
    initial = Initial(config, *_loaded(config, model, tokenizer))
    second = initial.second_view(method)
    looking = Looking(
        method=initial.method(method),
        policy=initial.sampler,
        sending=initial.sending,
        group=config.rollouts.count,
        second=second,
        deadline=config.failing.deadline,
        account=None if config.budget is None else Account(config.budget),
        on_progress=on_progress,
    )
    with start_blocking_portal() as portal:
        looked = portal.call(_look, looking, chosen)
    return _report(
        config,
        method,
        looked,
        held_out=chosen.held_out,
        second_view="the teacher" if second is None else "a synthesis by the initial policy",
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The prompts that are sampled."""

    training: Sequence[Mapping[str, Any]]
    graded: Sequence[Mapping[str, Any]]
    """Held-out prompts with known answers."""
    column: str
    held_out: int
    """How many held-out prompts an evaluation of the training asks."""

    @classmethod
    def of(
        cls,
        config: CaTConfig,
        method: CaT,
        data: Source | None,
        held_out: Source | None,
        prompts: int,
    ) -> _Chosen:
        # Evaluations may be off in the training, but a preflight needs them.
        every = config.evaluation.model_copy(update={"every": config.evaluation.every or 1})
        config = config.model_copy(update={"evaluation": every})
        rows, tests = both_rows(data, held_out, config)
        check_gold(method, rows)
        first = [rows[at] for at in order(len(rows), min(prompts, len(rows)), config.seed)]
        column = answer_column(tests or first, config)
        known = [row for row in tests if golds_of(method, row, column)]
        return cls(values_of(first), values_of(known[:prompts]), column, len(tests))


async def _look(looking: Looking, chosen: _Chosen) -> list[Looked]:
    """Look at the training's prompts and, if there are any, at the held-out ones."""
    async with looking.method:
        own = None if chosen.graded else chosen.column
        looked = [await looking.at(chosen.training, own)]
        if chosen.graded:
            looked.append(await looking.at(chosen.graded, chosen.column))
    return looked


def _report(
    config: CaTConfig, method: CaT, looked: Sequence[Looked], *, held_out: int, second_view: str
) -> Preflight:
    seen = [one for each in looked for one in each.seen]
    graded = [one for one in seen if one.right is not None]
    measures = measured(looked[0].seen, graded)
    checks = checks_of(measures)
    return Preflight(
        model=config.model,
        method=_written(method),
        rollouts=config.rollouts.count,
        prompts=len(looked[0].seen),
        graded=len(graded),
        pays=answer_of(checks),
        checks=checks,
        measures=measures,
        consensus=Consensus.of(seen, second_view),
        forecast=Forecast.of(config, looked, held_out),
        partial=_partial(seen),
    )


def _written(method: CaT) -> str:
    """The reward and, if it needs one, the estimator."""
    reward = written(method.rewarder)
    return f"{reward} of {written(method.estimator)}" if method.estimates else reward


def _partial(seen: Sequence[Seen]) -> str | None:
    """How many groups are missing because the budget was used up, and why."""
    unpaid = [one.scored.cause for one in seen if one.unpaid]
    if not unpaid:
        return None
    return f"{len(unpaid)} of {counted(len(seen), 'group')} left out: {unpaid[0]}"


def _loaded(config: CaTConfig, model: Any, tokenizer: Any) -> tuple[Any, Any]:
    """The initial weights of the training, and their tokenizer."""
    if model is not None:
        return model, tokenizer or AutoTokenizer.from_pretrained(config.model)
    place = initial_weights(config)
    how = model_arguments(config, lora=config.lora)
    loaded: Any = AutoModelForCausalLM.from_pretrained(place, **how)
    if torch.cuda.is_available():
        loaded = loaded.cuda()
    return loaded, tokenizer or AutoTokenizer.from_pretrained(place)
