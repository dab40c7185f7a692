"""Compare selectors on recorded completions of real models, served by the replay provider.

python benchmarks/real_rollouts.py --data FOLDER [--out FOLDER] [--json]

FOLDER holds `.jsonl.gz` files with one problem per line: `id`, `problem`, `gold`, and `samples`,
each with `completion` and, optionally, `model`, `graded` (the file's own grade) and `rm_score` (a
reward model's). No model is called, so estimators that write text of their own cannot be compared.
The files have no token counts; tokens are estimated as a third of the characters. Prints a Markdown
table for each file, and compares it with an independent count.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import anyio

from catsdk import Capabilities, Client, Context, Limits, Sampler, estimators
from catsdk.answers import STATED
from catsdk.evaluate import Contender, Estimate, Report, Seen, Sweep, item_of, write_report
from catsdk.evaluate.experiment import Experiment
from catsdk.evaluate.summary import summarise
from catsdk.providers import Recording, ReplayProvider
from catsdk.runtime import context_of
from catsdk.testing import FunctionProvider
from catsdk.types import Completion, Failure, Group, Message, Request, Rollout, Score, Usage

__all__ = ["Problem", "compare", "counted", "read"]


@dataclass(frozen=True)
class Problem:
    """One line of a file."""

    id: str
    prompt: str
    gold: str
    samples: Sequence[dict[str, Any]]


def read(path: Path) -> list[Problem]:
    """Read one file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Problem(str(r["id"]), r["problem"], r["gold"], r["samples"]) for r in rows]


class RewardModel:
    """The reward model's scores from the file, looked up by prompt and completion."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._scores = {
            (problem.prompt, sample["completion"]): sample["rm_score"]
            for problem in problems
            for sample in problem.samples
            if sample.get("rm_score") is not None
        }

    def __bool__(self) -> bool:
        """Whether the file has any scores."""
        return bool(self._scores)

    async def rate(self, group: Group, ctx: Context | None = None) -> list[Score]:
        """Score each rollout."""
        return [self._score(group.question, rollout) for rollout in group.rollouts]

    def _score(self, question: str, rollout: Rollout) -> Score:
        value = self._scores.get((question, rollout.text))
        missing = Failure(kind="MissingScore", message="the file has no score for this completion")
        return Score(index=rollout.index, value=value, failure=missing if value is None else None)


async def recorded(problems: Sequence[Problem], folder: Path) -> list[ReplayProvider]:
    """Write the completions to files for the replay provider, one per position in `samples`."""
    providers: list[ReplayProvider] = []
    for at in range(min(len(problem.samples) for problem in problems)):
        texts = {problem.prompt: problem.samples[at]["completion"] for problem in problems}
        model = problems[0].samples[at].get("model") or "the file's model"

        def script(
            request: Request, texts: dict[str, str] = texts, model: str = model
        ) -> Completion:
            prompt = request.messages[-1].text
            usage = Usage(
                input_tokens=len(prompt) // 3 + 1,
                output_tokens=len(texts[prompt]) // 3 + 1,
                requests=1,
                cost=None,
            )
            return Completion(text=texts[prompt], usage=usage, model=model)

        path = folder / f"{at}.jsonl"
        source = FunctionProvider(script, name=model, capabilities=Capabilities())
        recording = Recording(source, path)
        for problem in problems:
            messages = (Message(role="user", content=problem.prompt),)
            await recording.complete(Request(messages=messages))
        providers.append(await anyio.to_thread.run_sync(_replay, path))
    return providers


def _replay(path: Path) -> ReplayProvider:
    return ReplayProvider(path, match="prompt")


def contenders(problems: Sequence[Problem]) -> list[Contender]:
    """Every selector that needs no model, and the controls."""
    found = [
        Contender("majority", estimators.Majority(), free=True),
        Contender("majority-first", estimators.Majority(tie="first"), free=True),
        Contender("adaptive-majority", estimators.Adaptive(estimators.Majority(), 0.95), free=True),
        Contender("min-perplexity", estimators.MinPerplexity(), free=True),
        Contender(
            "weighted-majority",
            estimators.WeightedMajority(estimators.Likelihood(), weight="exp"),
            free=True,
        ),
        Contender("random", estimators.RandomChoice(), free=True, control="any selector"),
    ]
    reward_model = RewardModel(problems)
    if reward_model:
        weighted = estimators.WeightedMajority(reward_model, weight="exp")
        found.insert(
            2, Contender("reward-model-best-of-n", estimators.BestOfN(reward_model), free=True)
        )
        found.insert(3, Contender("reward-model-weighted-majority", weighted, free=True))
    return found


async def compare(
    problems: Sequence[Problem], title: str, draws: int = 32
) -> tuple[Report, list[Seen]]:
    """Replay the completions of `problems` and compare the selectors on them."""
    items = [item_of(p.prompt, p.gold, id=p.id) for p in problems]
    with tempfile.TemporaryDirectory() as folder:
        replays = await recorded(problems, Path(folder))
    most = len(replays)
    sizes = tuple(size for size in (1, 2, 3, 4, 8, 16, 32) if size <= most)
    chosen = contenders(problems)
    experiment = Experiment(Sampler(replays), chosen, sweep=Sweep(sizes=sizes, draws=draws))
    client = Client(limits=Limits(in_flight=4096), cache="")
    async with context_of(client) as ctx:
        seen = await experiment.run(items, ctx)
    return summarise(seen, chosen, title=title, data=title, notes=_notes(problems)), seen


def _notes(problems: Sequence[Problem]) -> list[str]:
    notes = ["Recorded completions; tokens are estimated as a third of the characters."]
    names = {str(sample.get("model")) for sample in problems[0].samples}
    if len(names) > 1:
        notes.append(
            f"One completion each of {len(names)} models ({', '.join(sorted(names))}): the majority"
            " is an ensemble, not self-consistency."
        )
    notes.append(
        "The files have no log-probabilities, so min-perplexity and weighted-majority fail and have"
        " no score."
    )
    return notes


def counted(problems: Sequence[Problem]) -> dict[str, float]:
    """Majority of all samples and pass@k, counted independently from the file's own grades.

    The vote is a `Counter` over the texts of the answers, with numbers as numbers; an answer is
    right if the file grades its first sample as right. At a tie `majority-first` takes the answer
    that came first, and `majority` is the expected value of a random choice. pass@k is taken over
    all subsets.
    """
    shares: dict[str, list[float]] = {}
    for problem in problems:
        grades = [bool(sample["graded"]) for sample in problem.samples]
        answers = [_plain(STATED.extract(s["completion"]).answer) for s in problem.samples]
        votes = Counter(answer for answer in answers if answer is not None)
        # Answers with equal counts are in the order in which they came.
        right = [
            grades[answers.index(answer)]
            for answer, count in votes.most_common()
            if count == max(votes.values())
        ] or [False]
        shares.setdefault("majority-first", []).append(right[0])
        shares.setdefault("majority", []).append(sum(right) / len(right))
        for k in range(1, len(answers) + 1):
            shares.setdefault(f"pass@{k}", []).append(_any_of(grades, k))
    return {name: sum(values) / len(values) for name, values in shares.items()}


def _any_of(grades: Sequence[bool], k: int) -> float:
    """The share of the subsets of size k that contain a right one, by enumeration."""
    subsets = list(combinations(grades, k))
    return sum(any(subset) for subset in subsets) / len(subsets)


def _plain(answer: str | None) -> str | None:
    if answer is None:
        return None
    text = re.sub(r"\s|\\left|\\right|\\!|\$", "", answer).rstrip(".").lower()
    text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    try:
        return repr(float(text.replace(",", "")))
    except ValueError:
        return text


def table(report: Report) -> str:
    """The points as Markdown."""
    lines = [
        "| selector | G | share solved | 95 % interval | tokens | used | tied"
        + " | disagrees | correct then |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for p in report.points:
        if p.score is None:
            continue
        score = "none" if p.score is None else f"{p.score.mean:.3f} ± {p.score.error:.3f}"
        span = "" if p.score is None else f"{p.score.low:.3f} to {p.score.high:.3f}"
        tokens = "" if p.tokens is None else f"{p.tokens.mean:,.0f}"
        cells = [p.estimator, str(p.size), score, span, tokens, f"{p.drawn:.1f}"]
        cells += [_percent(p.tied), _percent(p.departs), _percent(p.right_departing)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(value: Estimate | None) -> str:
    return "" if value is None else f"{value.mean:.1%}"


def agreement(problems: Sequence[Problem], seen: Sequence[Seen]) -> tuple[int, int]:
    """How many of the file's own grades equal ours, and how many there are."""
    same = total = 0
    for problem, each in zip(problems, seen, strict=True):
        for at, sample in enumerate(problem.samples):
            if sample.get("graded") is not None and at in each.scores:
                total += 1
                same += (each.scores[at] == 1.0) == sample["graded"]
    return same, total


def checked(problems: Sequence[Problem], report: Report) -> list[tuple[str, float, float]]:
    """Our value and the independent count, for both majorities of all samples and each pass@k."""
    plain = counted(problems)
    ours: dict[str, float] = {}
    for name in ("majority-first", "majority"):
        point = report.point(name, len(report.pass_at))
        ours[name] = point.score.mean if point is not None and point.score else float("nan")
    ours |= {f"pass@{each.k}": each.share.mean for each in report.pass_at}
    return [(name, ours[name], value) for name, value in plain.items()]


def main() -> None:
    """Compare the selectors on every file in the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of .jsonl.gz files")
    parser.add_argument("--out", type=Path, help="also write the reports here")
    parser.add_argument("--limit", type=int, help="take only the first problems")
    chosen = parser.parse_args()
    for path in sorted(chosen.data.glob("*.jsonl.gz")):
        problems = read(path)[: chosen.limit]
        name = path.name.removesuffix(".jsonl.gz")
        report, seen = anyio.run(compare, problems, name)
        same, total = agreement(problems, seen)
        single = report.single
        print(f"### {name}\n\n{len(problems)} problems, one completion alone {single}.", end=" ")
        print(" ".join(report.notes))
        print(f"Our grades equal the file's on {same} of {total} completions.\n")
        print(table(report))
        print("\npass@k: " + ", ".join(f"{p.k}: {p.share}" for p in report.pass_at))
        print("\nAn independent count by the file's grades / ours:", end=" ")
        print(
            ", ".join(
                f"{n} {plain:.4f} / {ours:.4f}" for n, ours, plain in checked(problems, report)
            )
        )
        print()
        if chosen.out is not None:
            write_report(report, chosen.out / name)


if __name__ == "__main__":
    main()
