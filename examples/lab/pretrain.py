"""Train the model in the box from scratch; an interrupted run resumes from its last checkpoint.

    python -m examples.lab.pretrain --out DIR --seed 0

First stage: the four kinds of examples, with generated noise in the synthesis inputs. Second stage:
the same, with the model's own samples in the synthesis inputs. Last stage: mostly judging, digit by
digit. The data of a step depend only on the seed and the step, so a resumed run sees the same data
as an uninterrupted one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from catsdk_providers.box.problems import STANDARD_DIGITS, TRAINED_DIGITS, problems
from examples.lab.batches import IGNORED, Batch, collate
from examples.lab.mixture import Part, parts_of_step
from examples.lab.model import untrained_model
from examples.lab.own_samples import (
    TARGETS,
    OwnGroup,
    Target,
    own_groups,
    read_groups,
    write_groups,
)
from examples.lab.recipe import Recipe
from examples.lab.sampling import sample_replies
from examples.lab.tokenizer import build_tokenizer

__all__ = ["train"]

_LOG = logging.getLogger(__name__)
_STATE, _OWN, _RECORD = "state.pt", "own_samples.json", "record.jsonl"


@dataclass(slots=True)
class _Run:
    """A model in training and its optimisers."""

    model: Qwen3ForCausalLM
    tokenizer: PreTrainedTokenizerFast
    optimizers: list[torch.optim.Optimizer]
    step: int = 0


def train(recipe: Recipe, out: Path, target: Target = TARGETS["correct"]) -> Path:
    """Train, or resume training, in ``out``; return the folder of the finished model."""
    out.mkdir(parents=True, exist_ok=True)
    run = _start_or_resume(recipe, out)
    pretrain = problems("pretrain", recipe.pool, recipe.seed, digits=TRAINED_DIGITS)
    synthesis = problems("synthesis", recipe.pool, recipe.seed, digits=TRAINED_DIGITS)
    own = read_groups(out / _OWN)
    while run.step < recipe.all_steps:
        if run.step >= recipe.steps and own is None:
            own = _sample_own(recipe, run)
            write_groups(out / _OWN, own)
        started = time.perf_counter()
        parts = parts_of_step(recipe, run.step, pretrain, synthesis, own or (), target)
        losses = _one_step(recipe, run, parts)
        _record(out, run.step, losses, time.perf_counter() - started)
        if run.step % recipe.save_every == 0:
            _save_state(run, out)
    return _save_model(recipe, run, out / "model")


def _start_or_resume(recipe: Recipe, out: Path) -> _Run:
    torch.manual_seed(recipe.seed)
    tokenizer = build_tokenizer()
    model = untrained_model(recipe, tokenizer)
    run = _Run(model, tokenizer, _optimizers(recipe, model))
    if (out / _STATE).exists():
        kept = torch.load(out / _STATE, weights_only=True)
        run.model.load_state_dict(kept["model"])
        for optimizer, state in zip(run.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        run.step = kept["step"]
    return run


def _optimizers(recipe: Recipe, model: Qwen3ForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, which needs about half of AdamW's steps, and AdamW."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in named if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=recipe.matrix_rate, weight_decay=0.01),
        torch.optim.AdamW(others, lr=recipe.vector_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def _one_step(recipe: Recipe, run: _Run, parts: Sequence[Part]) -> dict[str, float]:
    run.model.train()
    losses = {}
    for part in parts:
        loss = _loss(run.model, collate(part.examples, run.tokenizer), recipe.autocast)
        (loss * part.weight).backward()  # type: ignore[no-untyped-call]
        losses[part.name] = loss.item()
    nn.utils.clip_grad_norm_(run.model.parameters(), recipe.clip)
    scale = recipe.rate_scale(run.step)
    for optimizer, rate in zip(
        run.optimizers, (recipe.matrix_rate, recipe.vector_rate), strict=True
    ):
        for group in optimizer.param_groups:
            group["lr"] = rate * scale
        optimizer.step()
        optimizer.zero_grad()
    run.step += 1
    return losses


def _loss(model: Qwen3ForCausalLM, batch: Batch, autocast: bool) -> torch.Tensor:
    """Mean loss over the assistant's tokens."""
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = model(input_ids=batch.ids).logits[:, :-1]
    return nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), batch.labels[:, 1:].flatten(), ignore_index=IGNORED
    )


def _sample_own(recipe: Recipe, run: _Run) -> list[OwnGroup]:
    torch.manual_seed(recipe.seed + 1)
    asked = problems("synthesis", recipe.own_problems, recipe.seed + 1, digits=STANDARD_DIGITS)
    users = [str(problem) for problem in asked for _ in range(recipe.own_samples)]
    return own_groups(asked, sample_replies(run.model, run.tokenizer, users))


def _record(out: Path, step: int, losses: dict[str, float], seconds: float) -> None:
    row: dict[str, Any] = {"step": step, "seconds": round(seconds, 3)}
    row |= {name: round(loss, 4) for name, loss in losses.items()}
    with (out / _RECORD).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    if step % 50 == 0:
        _LOG.info("%s", row)


def _save_state(run: _Run, out: Path) -> None:
    """Write beside the old state, then replace it, so that a kill in between loses nothing."""
    kept = {
        "model": run.model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "step": run.step,
    }
    torch.save(kept, out / f"{_STATE}.new")
    os.replace(out / f"{_STATE}.new", out / _STATE)


def _save_model(recipe: Recipe, run: _Run, folder: Path) -> Path:
    """Save the model in bfloat16, its tokenizer, and the recipe that made it."""
    finished = untrained_model(recipe, run.tokenizer)
    finished.load_state_dict(run.model.state_dict())
    finished.generation_config.do_sample = True
    nn.Module.to(finished, torch.bfloat16)
    finished.save_pretrained(folder)
    run.tokenizer.save_pretrained(folder)
    (folder / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1) + "\n", "utf-8")
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--judge-steps", type=int, default=Recipe().judge_steps)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--target", choices=TARGETS, default="correct")
    return parser.parse_args()


def main() -> None:
    """Run the recipe once."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    chosen = _arguments()
    torch.set_num_threads(chosen.threads)
    recipe = replace(Recipe(), seed=chosen.seed, judge_steps=chosen.judge_steps)
    folder = train(recipe, chosen.out, TARGETS[chosen.target])
    _LOG.info("finished model in %s", folder)


if __name__ == "__main__":
    main()
