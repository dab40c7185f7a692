"""The syntheses for offline training, made once by the initial policy and saved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from anyio.from_thread import start_blocking_portal
from transformers import AutoModelForCausalLM, AutoTokenizer

from catsdk.cat import CaT
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError, NoEvidenceError
from catsdk.core.ports import Provider, name_of
from catsdk.core.sending import Limits
from catsdk.core.types import Result
from catsdk.data import Source
from catsdk.method.role_tree import changed, parts_of
from catsdk.runtime.client import Client
from catsdk.sampling.sampler import Sampler
from catsdk_providers.local.provider import LocalProvider
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.rows import fingerprint, training_rows, values_of
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.arguments import model_arguments
from catsdk_trainers.trl.describing import policy_sampling, teacher_of
from catsdk_trainers.trl.ranks import join_ranks, on_first_rank
from catsdk_trainers.trl.resuming import begin
from catsdk_trainers.trl.role_anchors import check_models
from catsdk_trainers.trl.spending import Spending
from catsdk_trainers.trl.weights import initial_weights

__all__ = ["Prepared", "prepared", "synthesized_pairs"]

PAIRS = "synthesized.jsonl"
# The settings that determine the pairs, in addition to the rows and the model.
_DECIDING = {"model", "seed", "rollouts"}
_DECIDING_ROLES = ("estimator", "answers")


@dataclass(frozen=True)
class Prepared:
    """Everything that offline training needs to begin.

    Args:
        model: The model to train.
        tokenizer: Its tokenizer.
        pairs: Prompts, each with its synthesis as `completion`.
        checkpoint: The checkpoint to resume from.
        spending: Tracks the budget; from here on only its seconds matter.
        unfinished: The message that some prompts have no synthesis, if the budget ran out.
    """

    model: Any
    tokenizer: Any
    pairs: list[dict[str, Any]]
    checkpoint: Path | None
    spending: Spending
    unfinished: str | None


def prepared(
    config: CaTConfig,
    data: Source | None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    teacher: Provider | None,
    resume: bool,
    fewest: int = 1,
) -> Prepared:
    """Load the model and make a synthesis for each prompt that has none yet.

    Under a launcher the first rank makes them while the others wait. `fewest` is the number of
    prompts with a synthesis that the trainer needs for a step.

    Raises:
        InvalidInputError: there is no data, too little for a step, or it is invalid.
        ConfigurationError: the output folder holds another run.
        ModelNotFoundError: there is no such model.
        NoEvidenceError: no prompt could be synthesized, or too few for a step.
    """
    rows = values_of(training_rows(data, config))
    if len(rows) < fewest:
        raise InvalidInputError(f"{counted(len(rows), 'prompt')} {_too_few(config, fewest)}")
    check_models(CaT(teacher or config.sft.sampler, estimator=teacher_of(config)))
    join_ranks()
    model, tokenizer = _loaded(config, model, tokenizer)
    folder, prints = Path(config.output), {"data": fingerprint(rows)}
    at = on_first_rank(lambda: begin(folder, config, prints, resume=resume))
    spending = Spending(config.budget)
    spending.begin(folder)
    sampler = None
    if at is None:
        prompts = _prompts(config)
        own = LocalProvider.of(model, tokenizer, prompts=prompts, name=config.model)
        sampler = teacher or config.sft.sampler or own
    pairs = on_first_rank(
        lambda: synthesized_pairs(config, rows, sampler, folder / PAIRS, spending)
    )
    spending.settle()
    unfinished = spending.ended
    if unfinished is not None:
        unfinished = f"{unfinished}: {len(pairs)} of {len(rows)} prompts have a synthesis"
    spending.count_only_time()
    if not pairs:
        raise NoEvidenceError(f"none of {len(rows)} prompts could be synthesized; see the log")
    if len(pairs) < fewest:
        made = f"{len(pairs)} of {counted(len(rows), 'prompt')} could be synthesized, which"
        raise NoEvidenceError(f"{made} {_too_few(config, fewest)}; see the log")
    return Prepared(model, tokenizer, pairs, at, spending, unfinished)


def _too_few(config: CaTConfig, fewest: int) -> str:
    return (
        f"cannot fill a step: a batch of {config.batch} completions, {config.rollouts.count} of"
        f" each prompt, needs {fewest} prompts; give more, or set batch to a smaller number"
    )


def synthesized_pairs(
    config: CaTConfig,
    rows: Sequence[Mapping[str, Any]],
    sampler: str | Provider | None,
    kept: Path,
    spending: Spending | None = None,
) -> list[dict[str, Any]]:
    """Return pairs of prompt and synthesis in the order of `rows`, reusing those in `kept`.

    A prompt whose synthesis failed or was cut short gives no pair; `kept` records the cause. Pairs
    made with other settings, from other rows or by another model are ignored.

    Args:
        config: The settings of the training.
        rows: The data.
        sampler: The model that answers and, for a `PolicyAnchor`, synthesizes; `None` makes no new
            pairs and uses those of the latest model.
        kept: The file with the pairs.
        spending: The budget that the calls are charged to.
    """
    roles = [config.cat.get(name) for name in _DECIDING_ROLES]
    key = fingerprint([config.model_dump(include=_DECIDING, mode="json"), {"cat": roles}, *rows])
    by = None if sampler is None else sampler if isinstance(sampler, str) else name_of(sampler)
    done = _read(kept, key, by)
    missing = [at for at in range(len(rows)) if at not in done]
    spending = spending or Spending(None)
    if missing and sampler is not None and spending.ended is None:
        said = {"key": key, "by": by}
        c = _method(config, sampler)
        with start_blocking_portal() as portal:
            portal.call(_synthesize, c, config, rows, missing, kept, said, spending)
        done = _read(kept, key, by)
    return [
        {"prompt": rows[at]["prompt"], "completion": [{"role": "assistant", "content": done[at]}]}
        for at in sorted(done)
    ]


def _method(config: CaTConfig, sampler: str | Provider) -> CaT:
    """The method; if the config has a `PolicyAnchor`, the sampled model also synthesizes."""
    described = CaT.from_data(config.cat)
    estimator = changed(
        teacher_of(config), lambda part: sampler if isinstance(part, PolicyAnchor) else part
    )
    in_flight = config.sft.at_once * config.rollouts.count
    return CaT(
        Sampler(sampler, policy_sampling(config), config.seed),
        estimator=estimator,
        client=described.client
        if described.client.named
        else Client(limits=Limits(in_flight=in_flight)),
        answers=described.answers,
    )


def _prompts(config: CaTConfig) -> str | None:
    """The prompt set of the config's anchor."""
    anchors = (part for part in parts_of(teacher_of(config)) if isinstance(part, PolicyAnchor))
    return next((anchor.prompts for anchor in anchors), None)


async def _synthesize(
    c: CaT,
    config: CaTConfig,
    rows: Sequence[Mapping[str, Any]],
    missing: Sequence[int],
    kept: Path,
    said: Mapping[str, Any],
    spending: Spending,
) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    prompts = [rows[at]["prompt"] for at in missing]
    async with c:
        flow = c.map(
            prompts, config.rollouts.count, at_once=config.sft.at_once, budget=spending.account
        )
        with kept.open("a", encoding="utf-8") as lines:
            async with flow as results:
                async for result in results:
                    told = {**said, "row": missing[result.index], **_told(result)}
                    lines.write(json.dumps(told) + "\n")
                    lines.flush()
                    spending.note()


def _told(result: Result) -> dict[str, str]:
    reference = result.reference
    if reference is None:
        return {"cause": str(result.failure)}
    if result.partial or reference.provenance.settings.get("finish_reason") == "length":
        return {"cause": "the synthesis was cut short"}
    return {"text": reference.text}


def _read(kept: Path, key: str, by: str | None) -> dict[int, str]:
    """The texts by row, made by the model `by` or the latest one; skips a line cut by a kill."""
    lines = kept.read_text("utf-8").split("\n") if kept.exists() else []
    pairs = [pair for pair in map(_pair, lines) if pair.get("key") == key]
    wanted = by or (pairs[-1]["by"] if pairs else None)
    return {pair["row"]: pair["text"] for pair in pairs if pair["by"] == wanted and "text" in pair}


def _pair(line: str) -> dict[str, Any]:
    try:
        pair: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return pair


def _loaded(config: CaTConfig, model: Any, tokenizer: Any) -> tuple[Any, Any]:
    if model is None:
        place = initial_weights(config)
        how = model_arguments(config, lora=config.sft.lora)
        model = AutoModelForCausalLM.from_pretrained(place, **how)
        tokenizer = tokenizer or AutoTokenizer.from_pretrained(place)
        if torch.cuda.is_available():
            model = model.cuda()
    return model, tokenizer or AutoTokenizer.from_pretrained(config.model)
