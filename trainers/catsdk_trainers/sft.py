"""sft: CaT-SFT from a config: synthesize once with the initial policy, then fine-tune on that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
)
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from catsdk.cat import CaT, run_sync
from catsdk.core.errors import NoEvidenceError
from catsdk.core.pipeline import Mapped
from catsdk.core.ports import Provider, name_of
from catsdk.core.runtime import Runtime
from catsdk.core.types import Reference
from catsdk_providers.local import LocalProvider
from catsdk_trainers.arguments import (
    check_weights,
    lora_arguments,
    model_arguments,
    sft_arguments,
)
from catsdk_trainers.config import CaTConfig
from catsdk_trainers.data import Rows, fingerprint, order, training_rows
from catsdk_trainers.planning import policy_sampling, synthesizer
from catsdk_trainers.progress import ShowProgress
from catsdk_trainers.ranks import join_ranks, on_first_rank
from catsdk_trainers.resuming import MarkWhole, begin
from catsdk_trainers.trained import Trained

__all__ = ["sft", "synthesized_pairs"]

PAIRS = "synthesized.jsonl"
# What decides the pairs, beside the rows and who made them.
_DECIDING = {"model", "seed", "rollouts", "anchor"}


def sft(
    config: CaTConfig,
    data: Rows | None = None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    teacher: Provider | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume: bool = True,
) -> Trained:
    """Fine-tune on (prompt, synthesis) pairs made offline (CaT-SFT; paper, section 4).

    First the initial policy, in this process or behind `config.sft.sampler`, answers each prompt G
    times and synthesizes; the pairs are kept in the output folder's `synthesized.jsonl`, so that
    none is made twice, also without `resume`: they are those of the same model, settings and rows.
    Then TRL's SFTTrainer trains on them, and stops early when the validation loss falls no more.
    `teacher` is an object in place of the sampler. Under a launcher the first rank makes the pairs
    and the others wait for them.

    Raises:
        InvalidInputError: the config and the data do not fit each other.
        ConfigurationError: the output folder holds another run.
        ModelNotFoundError: there is no such model.
        NoEvidenceError: no prompt could be synthesized.
    """
    rows = training_rows(data, config)
    # What is wrong with them is told before anything is paid for.
    sft_arguments(config, evaluates=True)
    join_ranks()
    model, tokenizer = _loaded(config, model, tokenizer)
    folder, prints = Path(config.output), {"data": fingerprint(rows)}
    at = on_first_rank(lambda: begin(folder, config, prints, resume=resume))
    sampler = None
    if at is None:
        own = LocalProvider.of(model, tokenizer, prompts=config.anchor.prompts, name=config.model)
        sampler = teacher or config.sft.sampler or own
    pairs = on_first_rank(lambda: synthesized_pairs(config, rows, sampler, folder / PAIRS))
    if not pairs:
        raise NoEvidenceError(f"none of {len(rows)} prompts could be synthesized; see the log")
    tests, training = _split(pairs, config.sft.validation, config.seed)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**sft_arguments(config, evaluates=bool(tests))),
        train_dataset=Dataset.from_list(training),
        eval_dataset=Dataset.from_list(tests) if tests else None,
        processing_class=tokenizer,
        peft_config=lora_arguments(config.sft.lora),
    )
    early = [EarlyStoppingCallback(config.sft.patience)] if tests else []
    trainer.remove_callback(PrinterCallback)
    for callback in (*early, *callbacks, ShowProgress("CaT-SFT"), MarkWhole()):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=None if at is None else str(at))
    trainer.save_model(config.output)
    state = trainer.state
    ended_early = state.global_step < state.max_steps
    reason = f"no better validation loss {config.sft.patience} times in a row"
    return Trained(
        folder, state.global_step, tuple(state.log_history), reason if ended_early else None, at
    )


def synthesized_pairs(
    config: CaTConfig,
    rows: Sequence[Mapping[str, Any]],
    sampler: str | Provider | None,
    kept: Path,
) -> list[dict[str, Any]]:
    """The pairs of prompt and synthesis in the order of `rows`; those in `kept` are not made anew.

    A prompt whose synthesis failed or was cut short makes no pair, and its cause is in `kept`.
    Pairs made under other settings, from other rows or by another model do not count. Without a
    `sampler` none are made, and those of the latest one count.
    """
    key = fingerprint([config.model_dump(include=_DECIDING, mode="json"), *rows])
    by = None if sampler is None else sampler if isinstance(sampler, str) else name_of(sampler)
    done = _read(kept, key, by)
    missing = [at for at in range(len(rows)) if at not in done]
    if missing and sampler is not None:
        said = {"key": key, "by": by}
        run_sync(lambda: _synthesize(config, rows, missing, sampler, kept, said))
        done = _read(kept, key, by)
    return [
        {"prompt": rows[at]["prompt"], "completion": [{"role": "assistant", "content": done[at]}]}
        for at in sorted(done)
    ]


async def _synthesize(
    config: CaTConfig,
    rows: Sequence[Mapping[str, Any]],
    missing: Sequence[int],
    sampler: str | Provider,
    kept: Path,
    said: Mapping[str, Any],
) -> None:
    count, at_once = config.rollouts.count, config.sft.at_once
    kept.parent.mkdir(parents=True, exist_ok=True)
    async with CaT(
        sampler,
        sampling=policy_sampling(config),
        seed=config.seed,
        synthesizer=synthesizer(config, sampler),
        runtime=Runtime(max_in_flight=at_once * count),
    ) as c:
        flow = c.each(lambda at: c.synthesize(rows[at]["prompt"], count), missing, at_once=at_once)
        with kept.open("a", encoding="utf-8") as lines:
            async with flow as results:
                async for mapped in results:
                    told = {**said, "row": mapped.item, **_told(mapped)}
                    lines.write(json.dumps(told) + "\n")
                    lines.flush()


def _told(mapped: Mapped[int, Reference]) -> dict[str, str]:
    reference = mapped.result
    if reference is None:
        return {"cause": str(mapped.failure)}
    if reference.partial or reference.provenance.settings.get("finish_reason") == "length":
        return {"cause": "the synthesis was cut short"}
    return {"text": reference.text}


def _read(kept: Path, key: str, by: str | None) -> dict[int, str]:
    """The texts by row, of the model `by` or of the latest one; a killed run's last line is torn."""
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
        check_weights(config.model)
        how = model_arguments(config, lora=config.sft.lora)
        model = AutoModelForCausalLM.from_pretrained(config.model, **how)
        if torch.cuda.is_available():
            model = model.cuda()
    return model, tokenizer or AutoTokenizer.from_pretrained(config.model)


def _split(pairs: list[Any], share: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Those for validation, at least one where any are wanted, and those for training."""
    shuffled = [pairs[at] for at in order(len(pairs), len(pairs), seed)]
    count = max(1, round(share * len(pairs))) if share and len(pairs) > 1 else 0
    return shuffled[:count], shuffled[count:]
