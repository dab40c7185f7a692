"""Find the way of prompting a small anchor that gets the most out of a group.

make bench-small

Policy and anchor are SmolLM2 (135 million parameters) behind llama.cpp's server. The questions are
those of `examples.real_lab.questions`, with 8 rollouts each at temperature 0.7; each contestant
makes one reference from the same rollouts. Answers are extracted and compared as in training; a
missing reference, or one without an answer, counts as wrong. Prints a Markdown table with
bootstrapped 95 % intervals, over all questions and by kind.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import get_args

import anyio
from pydantic import JsonValue

from catsdk import Limits, Prompt, Sampling, Timeouts
from catsdk.answers import is_same
from catsdk.errors import CatError
from catsdk.estimators import Majority, Synthesizer
from catsdk.estimators.synthesis import Show
from catsdk.providers import OpenAIProvider
from catsdk.runtime import Client, Context, Estimator, context_of, fan_out
from catsdk.runtime.context import Defaults
from catsdk.sampling import Sampler
from catsdk.types import Group
from examples.real_lab.questions import TRAINED, Question, questions
from tests.providers.served import free_port, served
from tests.servers.llama_server import MODEL, READY

ROOT = Path(__file__).parent
SERVER = ROOT.parent / "tests" / "servers" / "llama_server.py"
ROLLOUTS = 8
AT_ONCE = 3
DRAWN = Sampling(temperature=0.7, max_tokens=24)
LONG = Sampling(temperature=0.7, max_tokens=120)
SHORT = Sampling(temperature=0.0, max_tokens=24)
Told = dict[str, list[float]]
_ANSWER: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_FORM: dict[str, JsonValue] = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": _ANSWER},
}
SCHEMA = Sampling(temperature=0.0, max_tokens=40, extra={"response_format": _FORM})


def contestants(wordings: Path | None, *, at_length: bool) -> dict[str, Estimator]:
    """The estimators to compare, by name.

    Args:
        wordings: A folder with further prompt files, each tried with whole rollouts and with only
            their answers.
        at_length: Whether to include those that write a whole solution.
    """
    found: dict[str, Estimator] = {"majority": Majority()}
    small = Synthesizer(sampling=SHORT, prompts="small", seed=0)
    if at_length:
        found["`english`, question not shown (paper)"] = Synthesizer(
            sampling=LONG, show_question=False, seed=0
        )
        found["`english`, question shown"] = Synthesizer(sampling=LONG, seed=0)
        found["`small`, at temperature 0.7"] = replace(small, sampling=DRAWN)
    found["`small`"] = small
    found["`small`, answers alone shown"] = replace(small, show="answers")
    found["`small`, reply held to a schema"] = replace(small, sampling=SCHEMA)
    for file in sorted(wordings.glob("*.md")) if wordings else ():
        prompt = Prompt.from_file(file)
        for show in get_args(Show):
            found[f"{file.stem}, {show}"] = replace(small, prompt=prompt, show=show)
    return found


async def measure(
    url: str, asked: Sequence[Question], estimators: Mapping[str, Estimator], seconds: float
) -> dict[Question, dict[str, float]]:
    """The scores of each contestant and of one rollout, for each question finished in time."""
    found: dict[Question, dict[str, float]] = {}
    model = OpenAIProvider(MODEL, base_url=url, api_key="none")
    # On a busy machine an answer may take minutes.
    client = Client(limits=Limits(in_flight=8), timeouts=Timeouts(attempt=1800, call=3600))
    async with context_of(client, defaults=Defaults(model, model, model)) as ctx:

        async def one(question: Question) -> None:
            group = await Sampler(model, DRAWN, seed=0).sample(question.prompt, ROLLOUTS, ctx)
            if len(group.rollouts) < ROLLOUTS:
                print(f"left out: {question.prompt}: {group.failures}", file=sys.stderr)
                return
            answers = [rollout.answer for rollout in group.rollouts]
            told = {
                "one rollout": fmean(_right(answer, question) for answer in answers),
                "(a rollout has an answer)": fmean(answer is not None for answer in answers),
            }
            for name, estimator in estimators.items():
                told[name] = await _grade(estimator, group, question, ctx)
            found[question] = told
            print(".", end="", file=sys.stderr, flush=True)

        # A few at a time, so that questions are finished one by one.
        places = anyio.CapacityLimiter(AT_ONCE)

        async def in_turn(question: Question) -> None:
            async with places:
                await one(question)

        with anyio.move_on_after(seconds):
            await fan_out(in_turn, asked)
    return found


async def _grade(estimator: Estimator, group: Group, question: Question, ctx: Context) -> float:
    try:
        reference = await estimator.estimate(group, ctx.on(group))
    except CatError:
        return 0.0
    return _right(reference.answer, question)


def _right(answer: str | None, question: Question) -> float:
    return float(answer is not None and is_same(answer, question.answer))


def table(asked: Sequence[Question], right: Told) -> str:
    """The shares as Markdown, each with its difference from the majority, paired by question."""
    kinds = list(dict.fromkeys(question.kind for question in asked))
    lines = [
        f"| reference | right | 95 % | beside the majority | {' | '.join(kinds)} |",
        "| --- " * (4 + len(kinds)) + "|",
    ]
    for name, values in right.items():
        low, high = interval(values)
        beside = [mine - its for mine, its in zip(values, right["majority"], strict=True)]
        less, more = interval(beside)
        paired = "" if name == "majority" else f"{fmean(beside):+.2f} ({less:+.2f} to {more:+.2f})"
        shares = (
            fmean(v for v, q in zip(values, asked, strict=True) if q.kind == kind) for kind in kinds
        )
        cells = [name, f"{fmean(values):.2f}", f"{low:.2f} to {high:.2f}", paired]
        lines.append(f"| {' | '.join([*cells, *(f'{share:.2f}' for share in shares)])} |")
    return "\n".join(lines)


def interval(values: Sequence[float], draws: int = 4000) -> tuple[float, float]:
    """The 95 % interval of the mean, bootstrapped over the questions."""
    random = Random(0)
    means = sorted(fmean(random.choices(values, k=len(values))) for _ in range(draws))
    return means[int(0.025 * draws)], means[int(0.975 * draws)]


def main() -> None:
    """Serve the model and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--server", required=True, help="the Python that has xllamacpp and the model"
    )
    parser.add_argument("--questions", type=int, default=15, help="questions per kind")
    parser.add_argument("--minutes", type=float, default=60.0, help="the time limit")
    parser.add_argument("--seed", type=int, default=0, help="chooses the questions")
    parser.add_argument("--wordings", type=Path, help="folder of further prompts to try")
    parser.add_argument("--short", action="store_true", help="leave out whole solutions")
    chosen = parser.parse_args()
    asked = questions("train", chosen.questions, chosen.seed, TRAINED)
    port = free_port()
    with served([chosen.server, str(SERVER), str(port)], ready=READY, within=120, environment={}):
        compared = contestants(chosen.wordings, at_length=not chosen.short)
        url = f"http://127.0.0.1:{port}/v1"
        found = anyio.run(measure, url, asked, compared, 60 * chosen.minutes)
    if not found:
        raise SystemExit("no question was finished in time; increase --minutes")
    print(f"\n{len(found)} of {len(asked)} questions, {ROLLOUTS} rollouts each.\n")
    names = next(iter(found.values()))
    print(table([*found], {name: [told[name] for told in found.values()] for name in names}))


if __name__ == "__main__":
    main()
