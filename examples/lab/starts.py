"""Starting points, more and less promising: how the model was taught, its task and its reward.

The first half may be looked at while making the preflight's rule; the second half tests the rule.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from catsdk_providers.box import BOX
from catsdk_providers.box.problems import (
    OUT_OF_RANGE_DIGITS,
    STANDARD_DIGITS,
    Problem,
    Split,
    problems,
    solve,
)
from examples.lab.batches import IGNORED, collate
from examples.lab.corpus import MISLEARNT, Noise, solve_example
from examples.lab.mistakes import pairs_of

__all__ = ["STARTS", "Start", "rows_of", "taught"]

_TEACHING_STEPS: Final = 20
_TEACHING_BATCH: Final = 32
_TEACHING_RATE: Final = 1e-3
_BELIEVED: Final = {tuple(sorted(pair)) for pair in MISLEARNT}


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins.

    Args:
        name: Used in the names of its files.
        arm: The arm of the laboratory that gives the rewards.
        digits: Minimum and maximum number of digits of the numbers to add.
        believed: How many columns of each problem are sums that the model was taught wrongly.
        noise: First fine-tune the model in the box on solutions with this many times the mistakes
            of its corpus; `None` leaves it as it is.
        half: 1 if the rule was made on it, 2 if it tests the rule.
    """

    name: str
    arm: str = "cat"
    digits: tuple[int, int] = STANDARD_DIGITS
    believed: int = 0
    noise: float | None = None
    half: int = 1


STARTS: Final = (
    Start("box"),
    Start("random", arm="random"),
    Start("short", digits=(3, 4)),
    Start("nine", digits=OUT_OF_RANGE_DIGITS),
    Start("vote", arm="majority", half=2),
    Start("mistaught", noise=4.0, half=2),
    Start("certainty", arm="certainty", half=2),
    Start("gold", arm="gold", half=2),
    Start("taught", noise=0.0, half=2),
    Start("middle", digits=(5, 6), half=2),
    Start("believed-vote", arm="majority", believed=2, half=2),
    Start("believed", believed=2, half=2),
    Start("mistaught-vote", arm="majority", noise=4.0, half=2),
)


def rows_of(start: Start, split: Split, count: int, seed: int) -> list[dict[str, Any]]:
    """Problems for this starting point, with their answers."""
    return [
        {"prompt": str(problem), "answer": solve(problem).answer}
        for problem in _asked(start, split, count, seed)
    ]


def _asked(start: Start, split: Split, count: int, seed: int) -> list[Problem]:
    if not start.believed:
        return problems(split, count, seed, digits=start.digits)
    many = problems(split, 12 * count, seed, digits=start.digits)
    found = list(islice((each for each in many if _columns(each) >= start.believed), count))
    if len(found) < count:
        raise ValueError(f"only {len(found)} of {len(many)} problems are of the kind {start.name}")
    return found


def _columns(problem: Problem) -> int:
    """How many different wrongly taught sums the problem contains."""
    return len(pairs_of(problem) & _BELIEVED)


def taught(start: Start, seed: int) -> tuple[Any, Any]:
    """The model and the tokenizer of a starting point."""
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    model = AutoModelForCausalLM.from_pretrained(BOX, dtype=torch.float32)
    if start.noise is not None:
        _teach(model, tokenizer, Noise().times(start.noise), seed)
    return model, tokenizer


def _teach(model: Any, tokenizer: Any, noise: Noise, seed: int) -> None:
    """Fine-tune for a few steps on solutions with this much noise."""
    rng = random.Random(f"starts/{seed}")
    asked: Sequence[Problem] = problems("pretrain", 2000, seed, digits=STANDARD_DIGITS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_TEACHING_RATE, weight_decay=0.0)
    model.train()
    for _ in range(_TEACHING_STEPS):
        examples = [solve_example(rng.choice(asked), noise, rng) for _ in range(_TEACHING_BATCH)]
        batch = collate(examples, tokenizer)
        logits = model(input_ids=batch.ids).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), batch.labels[:, 1:].flatten(), ignore_index=IGNORED
        )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
