"""preflight: sample a little by a training's own config, and say whether it is likely to pay."""

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

    The first prompts of the training are sampled by the initial policy, in this process, and
    rewarded as in its first step; so are held-out prompts, whose known answers say whether the
    rewards favour what is right. Without held-out prompts known answers of the training's rows are
    read, where there are any; they only measure. Nothing is trained.

    Args:
        config: The training. Its `budget` caps what anchor and judge may spend here.
        data: The training data, in place of the config's.
        held_out: Prompts with known answers, in place of the config's.
        prompts: How many prompts of each kind are sampled at most.
        model: A model in place of the name in the config, with its `tokenizer`.
        tokenizer: The tokenizer of `model`.
        cat: What rewards, in place of the config's section `cat`.
        on_progress: Hears how far it is: the step (`sampling`, `rewarding` or `comparing`), how
            many prompts have passed it, and how many there are.

    Returns:
        What was measured, and whether the training is likely to pay. What could not be measured is
        unknown, with the cause.

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
    """What the training's prompts show and, where there are any, the held-out ones."""
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
    """Reward and, where it needs one, the estimator."""
    reward = written(method.rewarder)
    return f"{reward} of {written(method.estimator)}" if method.estimates else reward


def _partial(seen: Sequence[Seen]) -> str | None:
    """How many groups the measurement lacks because the budget was used up, and why."""
    unpaid = [one.scored.cause for one in seen if one.unpaid]
    if not unpaid:
        return None
    return f"{len(unpaid)} of {counted(len(seen), 'group')} left out: {unpaid[0]}"


def _loaded(config: CaTConfig, model: Any, tokenizer: Any) -> tuple[Any, Any]:
    """The weights that the training begins with, and their tokenizer."""
    if model is not None:
        return model, tokenizer or AutoTokenizer.from_pretrained(config.model)
    place = initial_weights(config)
    how = model_arguments(config, lora=config.lora)
    loaded: Any = AutoModelForCausalLM.from_pretrained(place, **how)
    if torch.cuda.is_available():
        loaded = loaded.cuda()
    return loaded, tokenizer or AutoTokenizer.from_pretrained(place)
