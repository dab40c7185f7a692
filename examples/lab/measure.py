"""Measure a checkpoint: single samples, greedy, majority and synthesis on one split of problems.

python -m examples.lab.measure --model DIR --split dev --n 300
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, get_args

import torch
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3ForCausalLM,
)

from catsdk_providers.box.problems import (
    OUT_OF_RANGE_TERMS,
    STANDARD_TERMS,
    Problem,
    Split,
    problems,
    response,
    solve,
)
from examples.lab.corpus import Noise, combine_prompt, criteria, judge_example
from examples.lab.sampling import sample_replies

__all__ = ["Share", "load", "measure", "table"]

_LOG = logging.getLogger(__name__)
_BOXED: Final = re.compile(r"\\boxed\{([^{}]*)\}")
_SIZES: Final = (1, 2, 4, 8)

Ask = Callable[[Sequence[str], float], list[str]]


@dataclass(frozen=True, slots=True)
class Share:
    """A mean of per-problem values, its standard error and the number of problems."""

    mean: float
    error: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Share:
        seen = list(values)
        if not seen:
            return cls(math.nan, math.nan, 0)
        mean = sum(seen) / len(seen)
        variance = sum((value - mean) ** 2 for value in seen) / max(1, len(seen) - 1)
        return cls(mean, math.sqrt(variance / len(seen)), len(seen))

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.error:.3f}"


def answer(text: str) -> str | None:
    """The content of the last box, or nothing."""
    found = _BOXED.findall(text)
    return found[-1] if found else None


def majority(answers: Sequence[str | None]) -> str | None:
    """The most frequent answer; the earliest of those that tie."""
    given = [each for each in answers if each is not None]
    return Counter(given).most_common(1)[0][0] if given else None


def measure(ask: Ask, asked: Sequence[Problem]) -> dict[str, Share]:
    """Accuracy of each way to answer ``asked``, by name."""
    gold = [str(solve(problem).answer) for problem in asked]
    flat = ask([str(problem) for problem in asked for _ in range(max(_SIZES))], 1.0)
    groups = [flat[start : start + max(_SIZES)] for start in range(0, len(flat), max(_SIZES))]
    answers = [[answer(text) for text in group] for group in groups]
    shares: dict[str, Share] = {
        "single": Share.of(
            sum(each == right for each in given) / len(given)
            for given, right in zip(answers, gold, strict=True)
        ),
        "greedy": _accuracy(map(answer, ask([str(p) for p in asked], 0.0)), gold),
        "cold 0.5": _accuracy(map(answer, ask([str(p) for p in asked], 0.5)), gold),
    }
    for size in _SIZES:
        cut = [given[:size] for given in answers]
        teacher = [answer(text) for text in ask([combine_prompt(g[:size]) for g in groups], 1.0)]
        shares |= _compared(size, cut, teacher, gold)
    return shares


def _compared(
    size: int,
    answers: Sequence[Sequence[str | None]],
    teacher: Sequence[str | None],
    gold: Sequence[str],
) -> dict[str, Share]:
    voted = [majority(given) for given in answers]
    rows = list(zip(answers, voted, teacher, gold, strict=True))
    return {
        f"majority@{size}": _accuracy(voted, gold),
        f"synthesis@{size}": _accuracy(teacher, gold),
        f"synthesis-majority@{size}": Share.of((t == g) - (v == g) for _, v, t, g in rows),
        f"pass@{size}": Share.of(float(g in given) for given, _, _, g in rows),
        f"right though all wrong@{size}": Share.of(
            float(t == g and g not in given) for given, _, t, g in rows
        ),
        f"disagrees@{size}": Share.of(float(t != v) for _, v, t, _ in rows),
        f"right where it disagrees@{size}": Share.of(
            float(t == g) for _, v, t, g in rows if t != v
        ),
    }


def _accuracy(given: Iterable[str | None], gold: Sequence[str]) -> Share:
    return Share.of(float(each == right) for each, right in zip(given, gold, strict=True))


def measure_forms(ask: Ask, asked: Sequence[Problem], seed: int) -> dict[str, Share]:
    """How often the judge is right and how often a list of criteria is exactly as it should be."""
    rng = random.Random(f"forms/{seed}")
    judged = [judge_example(problem, Noise(), rng) for problem in asked for _ in range(2)]
    references = [response(solve(problem)) for problem in asked]
    written = ask([f"Criteria:\n{reference}" for reference in references], 1.0)
    verdicts = ask([example.user for example in judged], 1.0)
    return {
        "judge": _accuracy(verdicts, [example.assistant for example in judged]),
        "criteria": _accuracy(
            written, ["\n".join(f"- {line}" for line in criteria(text)) for text in references]
        ),
    }


def table(shares: dict[str, Share]) -> str:
    """The main numbers as two Markdown tables."""
    alone = [f"| {name} | {shares[name]} |" for name in shares if "@" not in name]
    kinds = (
        "majority",
        "synthesis",
        "synthesis-majority",
        "pass",
        "right though all wrong",
        "disagrees",
        "right where it disagrees",
    )
    rows = [
        f"| {size} | " + " | ".join(str(shares[f"{kind}@{size}"]) for kind in kinds) + " |"
        for size in _SIZES
    ]
    head = f"| G | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}"
    return "\n".join(["| what | share |\n|---|---|", *alone, "", head, *rows])


def load(directory: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model in float32, and its tokenizer, from a directory of this recipe."""
    model: PreTrainedModel = Qwen3ForCausalLM.from_pretrained(directory, dtype=torch.float32)
    return model, PreTrainedTokenizerFast.from_pretrained(directory)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--split", choices=get_args(Split), default="dev")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--long", action="store_true", help="problems longer than any in training")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    return parser.parse_args()


def main() -> None:
    """Measure one checkpoint and write the table to standard output."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    chosen = _arguments()
    torch.manual_seed(chosen.seed)
    model, tokenizer = load(chosen.model)

    def ask(users: Sequence[str], temperature: float) -> list[str]:
        return sample_replies(model, tokenizer, users, temperature=temperature)

    terms = OUT_OF_RANGE_TERMS if chosen.long else STANDARD_TERMS
    asked = problems(chosen.split, chosen.n, chosen.seed, terms=terms)
    shares = measure(ask, asked) | measure_forms(ask, asked[:100], chosen.seed)
    _LOG.info("%s", table(shares))
    if chosen.json:
        numbers: dict[str, Any] = {name: asdict(share) for name, share in shares.items()}
        chosen.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
