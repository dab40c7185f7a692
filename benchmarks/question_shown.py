"""Measure whether it helps a weak anchor to see the question, and how best to show it.

make bench-question

The same rollouts are synthesized with the paper's prompt, which does not show the question, with
the shipped prompt, which does, and with the wordings in `benchmarks/wordings`; the majority is
given for comparison. Policy and anchor are SmolLM2 (135 million parameters) behind llama.cpp's
server. The tasks have short answers: capitals, and products of two numbers. So small a model does
not follow any answer format, so a text about a country is right if it names its capital and no
other, and a text about a product if its last number is the product. Prints a Markdown table for
each task with bootstrapped 95 % intervals, and the difference of each wording from the paper's
prompt, paired by item.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import anyio

from catsdk import Client, Context, Limits, Prompt, Sampler, Sampling, Synthesizer
from catsdk.estimators import Majority
from catsdk.evaluate import Contender, Item, ItemGrader, Report, Sweep, item_of
from catsdk.evaluate.experiment import Experiment
from catsdk.evaluate.summary import summarise
from catsdk.providers import OpenAIProvider
from catsdk.runtime import context_of
from catsdk.runtime.context import Defaults
from catsdk.types import Score
from tests.providers.served import free_port, served
from tests.servers.llama_server import MODEL, READY

ROOT = Path(__file__).parent
SERVER = ROOT.parent / "tests" / "servers" / "llama_server.py"
PAPER, SHIPPED = "not shown (paper)", "shipped"
ROLLOUTS = 4

CAPITALS = {
    "Austria": "Vienna", "Belgium": "Brussels", "Canada": "Ottawa", "Chile": "Santiago",
    "China": "Beijing", "Cuba": "Havana", "Denmark": "Copenhagen", "Egypt": "Cairo",
    "Finland": "Helsinki", "France": "Paris", "Germany": "Berlin", "Greece": "Athens",
    "Hungary": "Budapest", "Iceland": "Reykjavik", "India": "New Delhi", "Iran": "Tehran",
    "Iraq": "Baghdad", "Ireland": "Dublin", "Italy": "Rome", "Japan": "Tokyo",
}  # fmt: skip


def capitals() -> list[Item]:
    """The capital of each country."""
    return [
        item_of(f"What is the capital of {country}? Answer with its name alone.", capital)
        for country, capital in CAPITALS.items()
    ]


def products(count: int = 24) -> list[Item]:
    """Products of two numbers from 3 to 12, each pair once."""
    pairs = [(a, b) for a in range(3, 13) for b in range(a, 13)]
    return [
        item_of(f"What is {a} times {b}? Answer with the number alone.", str(a * b))
        for a, b in Random(0).sample(pairs, count)
    ]


class Named(ItemGrader):
    """A text is right if its only capital, or its last number, is the right answer."""

    async def grade(self, item: Item, text: str, answer: str | None, ctx: Context) -> Score:
        """Score one text, 1 or 0."""
        (gold,) = item.accepted
        numbers = re.findall(r"\d+", text)
        named = {capital for capital in CAPITALS.values() if capital in text}
        right = named == {gold} if gold in CAPITALS.values() else numbers[-1:] == [gold]
        return Score(index=0, value=float(right))


def contenders() -> list[Contender]:
    """The majority, the paper's prompt, the shipped prompt, and each wording."""
    writing = Sampling(temperature=0.7, max_tokens=256)
    files = sorted((ROOT / "wordings").glob("*.md"))
    return [
        Contender("majority", Majority(), free=True),
        Contender(PAPER, Synthesizer(sampling=writing, show_question=False, seed=0)),
        Contender(SHIPPED, Synthesizer(sampling=writing, seed=0)),
        *(
            Contender(
                file.stem, Synthesizer(sampling=writing, prompt=Prompt.from_file(file), seed=0)
            )
            for file in files
        ),
    ]


async def measure(url: str, name: str, items: Sequence[Item], cache: str) -> Report:
    """Compare the contenders on `items`; store answers in the file `cache`, if one is given."""
    drawing = Sampling(temperature=0.8, max_tokens=48)
    chosen = contenders()
    # The server is slow, with one core: each request waits for all those before it.
    client = Client(limits=Limits(in_flight=8), cache=cache)
    async with OpenAIProvider(MODEL, base_url=url, api_key="none") as model:
        sampler = Sampler(model, sampling=drawing, seed=0)
        sweep = Sweep(sizes=(ROLLOUTS,), at_once=8)
        experiment = Experiment(sampler, chosen, Named(), sweep=sweep)
        async with context_of(client, defaults=Defaults(model, model, model)) as ctx:
            seen = await experiment.run(
                items, ctx, on_seen=lambda _: print(".", end="", file=sys.stderr, flush=True)
            )
    return summarise(seen, chosen, title=name, data=name)


def table(report: Report) -> str:
    """The points as Markdown, each with its difference from the paper's prompt.

    If the anchor writes no response in two attempts, there is no reference, and the item does not
    count in that share.
    """
    lines = [
        "| reference | right | 95 % interval | beside the paper's form | no reference |",
        "| --- | --- | --- | --- | --- |",
    ]
    for point in report.points:
        score = point.score
        if score is not None:
            span = f"{max(0.0, score.low):.2f} to {score.high:.2f}"
            cells = [point.estimator, f"{score.mean:.2f}", span, _beside(report, point.estimator)]
            lines.append(f"| {' | '.join(cells)} | {point.failed} of {report.items} |")
    return "\n".join(lines)


def _beside(report: Report, name: str) -> str:
    pair = report.pair(name, PAPER, ROLLOUTS)
    sign = 1
    if pair is None:
        pair, sign = report.pair(PAPER, name, ROLLOUTS), -1
    if pair is None or pair.difference is None:
        return ""
    low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
    return f"{sign * pair.difference.mean + 0.0:+.2f} ({low + 0.0:+.2f} to {high + 0.0:+.2f})"


def main() -> None:
    """Serve the model, and measure both tasks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--server", required=True, help="the Python that has xllamacpp and the model"
    )
    parser.add_argument("--limit", type=int, help="take only the first items of a task")
    parser.add_argument("--cache", default="", help="store answers in this file and reuse them")
    parser.add_argument("--task", choices=["capitals", "products"], help="measure only this task")
    parser.add_argument("--port", type=int, help="stored answers belong to one address")
    chosen = parser.parse_args()
    port = chosen.port or free_port()
    with served([chosen.server, str(SERVER), str(port)], ready=READY, within=120, environment={}):
        for name, items in (("capitals", capitals()), ("products", products())):
            if chosen.task not in (None, name):
                continue
            report = anyio.run(
                measure, f"http://127.0.0.1:{port}/v1", name, items[: chosen.limit], chosen.cache
            )
            print(f"### {name}\n\n{report.items} items, one rollout alone {report.single}.\n")
            print(table(report), flush=True)
            print()


if __name__ == "__main__":
    main()
