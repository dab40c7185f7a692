"""Measure a checkpoint on one split of problems: the demo's table, its criteria and its verdicts.

python -m examples.lab.measure --model DIR --split dev --n 300
"""

from __future__ import annotations

import argparse
import itertools
import operator
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import anyio

from catsdk import Limits, Provider, Sampling
from catsdk.errors import StructuredOutputError
from catsdk.evaluate import Bootstrap, Estimate, Evaluation, Report, Sweep, item_of
from catsdk.prompts.reply import read_verdict
from catsdk.providers import LocalProvider
from catsdk.runtime import Client, context_of, fan_out
from catsdk.types import Message, Request
from catsdk_providers.box.problems import (
    STANDARD_DIGITS,
    Problem,
    problems,
    response,
    solve,
)
from examples.lab.arguments import parser_for
from examples.lab.corpus import Noise, criteria, judge_example

__all__ = ["forms", "table"]

_IN_FLIGHT = 4096
_MAX_TOKENS = 128


async def forms(model: Provider, asked: Sequence[Problem], seed: int) -> dict[str, Estimate | None]:
    """How often greedy criteria are exactly right, and greedy verdicts correct."""
    rng = random.Random(f"forms/{seed}")
    references = [response(solve(problem)) for problem in asked]
    written = await _replies(model, [f"Criteria:\n{reference}" for reference in references])
    exact = Noise(confused=0.0)
    judged = [judge_example(problem, exact, rng) for problem in asked for _ in range(2)]
    verdicts = await _replies(model, [example.user for example in judged])
    right = [_met(reply) == _met(e.assistant) for reply, e in zip(verdicts, judged, strict=True)]
    on_column = ["=" in example.user.rsplit("\n", 1)[-1] for example in judged]
    return {
        "criteria, exact": _share(
            _bullets(text) == criteria(reference)
            for text, reference in zip(written, references, strict=True)
        ),
        "verdicts on columns": _share(itertools.compress(right, on_column)),
        "verdicts on answers": _share(itertools.compress(right, map(operator.not_, on_column))),
    }


def _share(values: Iterable[bool]) -> Estimate | None:
    numbers = [float(value) for value in values]
    return Bootstrap(len(numbers)).estimate(numbers)


def _bullets(text: str) -> list[str]:
    return [line.removeprefix("- ") for line in text.split("\n")]


def _met(reply: str) -> bool | None:
    try:
        return read_verdict(reply, key="met")[0]
    except StructuredOutputError:
        return None


async def _replies(model: Provider, users: Sequence[str]) -> list[str]:
    async def ask(user: str) -> str:
        message = Message(role="user", content=user)
        request = Request(messages=(message,), temperature=0.0, max_tokens=_MAX_TOKENS)
        return (await model.complete(request))[0].text

    return await fan_out(ask, users)


def table(report: Report, shares: dict[str, Estimate | None]) -> str:
    """The numbers as two Markdown tables."""
    greedy = report.point("greedy", 1)
    alone = {"single sample": report.single, "greedy": greedy.score if greedy else None, **shares}
    lines = ["| what | share right |", "| --- | --- |"]
    lines += [f"| {name} | {share} |" for name, share in alone.items()]
    heads = "G", "majority", "synthesis", "gain", "disagrees", "correct then", "correct, all wrong"
    lines += ["", f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for size in report.sizes:
        lines.append(f"| {size} | " + " | ".join(map(str, _row(report, size))) + " |")
    return "\n".join(lines)


def _row(report: Report, size: int) -> list[Estimate | None]:
    majority, synthesis = report.point("majority", size), report.point("synthesis", size)
    pair = report.pair("synthesis", "majority", size)
    if majority is None or synthesis is None:
        return []
    return [
        majority.score,
        synthesis.score,
        pair.difference if pair else None,
        synthesis.departs,
        synthesis.right_departing,
        synthesis.rescued,
    ]


def _arguments() -> argparse.Namespace:
    parser = parser_for(__doc__, problems=300)
    parser.add_argument("--digits", type=int, nargs="+", default=STANDARD_DIGITS)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    return parser.parse_args()


async def _measure(chosen: argparse.Namespace) -> None:
    digits = min(chosen.digits), max(chosen.digits)
    asked = problems(chosen.split, chosen.n, chosen.seed, digits=digits)
    items = [item_of(str(problem), solve(problem).answer, id=str(problem)) for problem in asked]
    local = LocalProvider(chosen.model)
    client = Client(limits=Limits(in_flight=_IN_FLIGHT), cache="")
    evaluation = Evaluation(
        [local],
        names=("synthesis", "majority", "greedy"),
        sweep=Sweep(draws=1, at_once=len(items), seed=chosen.seed),
        sampling=Sampling(max_tokens=_MAX_TOKENS),
        seed=chosen.seed,
        client=client,
    )
    report, _ = await evaluation.run(
        items, title=f"{local.name}, {chosen.split}", data=chosen.split
    )
    async with context_of(client) as ctx:
        shares = await forms(await ctx.model(local), asked[:200], chosen.seed)
    print(table(report, shares))
    if chosen.json is not None:
        chosen.json.write_text(report.model_dump_json(indent=1), encoding="utf-8")


if __name__ == "__main__":
    anyio.run(_measure, _arguments())
