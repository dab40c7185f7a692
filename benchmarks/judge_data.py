"""Agreement and noise of real judges: HealthBench verdicts, and responses scored three times.

python -m benchmarks.judge_data FOLDER, where FOLDER holds the two files named below
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean, pvariance
from typing import Any

import anyio

from catsdk import Panel
from catsdk.rubrics import Agreement, agreement
from catsdk.rubrics.kappa import Answers
from catsdk.rubrics.quality import report
from catsdk.rubrics.scoring import failures_of
from catsdk.types import Completion, Criterion, Failure, Provenance, Rollout, Rubric, Score, Verdict

HEALTHBENCH = "healthbench_meta_100items_llm_verdicts.jsonl.gz"
MT_BENCH = "prometheus_mt_bench_gpt4_x3scores.jsonl.gz"


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The objects in a compressed JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Recorded:
    """A judge that replays one model's verdicts from the file, by item number."""

    def __init__(self, name: str, verdicts: Mapping[str, bool | None]) -> None:
        self.name, self.verdicts = name, verdicts

    async def judge(self, rubric: Rubric, rollout: Rollout, ctx: object) -> list[Verdict]:
        """Return the recorded verdicts; a missing one is a failure."""
        gone = Failure(kind="NotJudged", message="the file has no verdict by this judge")
        met = {criterion.id: self.verdicts.get(criterion.id) for criterion in rubric.criteria}
        return [
            Verdict(
                criterion_id=name,
                met=each,
                judge=self.name,
                failure=gone if each is None else None,
            )
            for name, each in met.items()
        ]


def healthbench(path: Path) -> list[str]:
    """Agreement between the judges, and the verdicts of panels of them."""
    items = lines_of(path)
    names = sorted({name for item in items for name in item["verdicts"]})
    table: dict[str, Answers] = {name: [_met(item, name) for item in items] for name in names}
    lines = ["| judges | items | raw | Cohen's kappa | Fleiss' kappa | Krippendorff's alpha |"]
    lines.append("| --- " * 6 + "|")
    lines += [
        _row(" / ".join(pair), agreement({n: table[n] for n in pair}))
        for pair in combinations(names, 2)
    ]
    lines.append(_row("all", agreement(table)))
    firsts = [name for name in names if not name.endswith("_50")]
    lines.append(_row("all but the repeated one", agreement({n: table[n] for n in firsts})))
    lines += ["", "| judge | items | yes |", "| --- | --- | --- |"]
    for name in names:
        there = [each for each in table[name] if each is not None]
        lines.append(f"| {name} | {len(there)} | {fmean(there):.2f} |")
    return [*lines, "", *panels(items, {name: table[name] for name in firsts})]


def panels(items: Sequence[Any], table: Mapping[str, Answers]) -> list[str]:
    """The decisions of panels of judges, by majority and by mean."""
    criteria = tuple(
        Criterion(id=f"i{at}", text=item["rubric_item"]) for at, item in enumerate(items)
    )
    rubric = Rubric(criteria=criteria, provenance=Provenance(method="HealthBench meta-evaluation"))
    judges = [
        Recorded(
            name, {f"i{at}": None if met is None else bool(met) for at, met in enumerate(column)}
        )
        for name, column in table.items()
    ]
    lines = ["| panel | decided | undecided | yes | unanimous |", "| --- " * 5 + "|"]
    groups = {"of three": judges} | {
        f"of two, without {left.name}": [j for j in judges if j is not left] for left in judges
    }
    for name, members in groups.items():
        panel = Panel(*members)
        rollout = Rollout(index=0, completion=Completion(text=""))
        verdicts = anyio.run(panel.judge, rubric, rollout)
        decided = [verdict for verdict in verdicts if verdict.met is not None]
        score = Score(index=0, value=None, verdicts=verdicts)
        agreed = [each.agreement for each in report(rubric, [score]) if each.agreement is not None]
        lost = ", ".join(f"{count} x {kind}" for kind, count in failures_of([score]).items())
        lines.append(
            f"| {name} | {len(decided)} | {lost or 'none'}"
            f" | {fmean(bool(v.met) for v in decided):.2f}"
            f" | {fmean(each == 1 for each in agreed):.2f} |"
        )
    return lines


def mt_bench(path: Path) -> list[str]:
    """The noise of one judge that scored each response three times, from 1 to 5."""
    scores = [item["gpt4_score"] for item in lines_of(path)]
    table: dict[str, Answers] = {
        f"look {at + 1}": [_score(each, at) for each in scores] for at in range(3)
    }
    whole = [
        each for each in scores if len(each) == 3 and all(isinstance(x, int | float) for x in each)
    ]
    noise = fmean(pvariance(each) for each in whole) * 3 / 2
    between = pvariance([fmean(each) for each in whole])
    lines = [
        "| measure | value |",
        "| --- | --- |",
        f"| responses with three scores | {len(whole)} |",
    ]
    lines.append(f"| all three equal | {fmean(len(set(each)) == 1 for each in whole):.2f} |")
    lines.append(f"| largest difference of two | {max(max(e) - min(e) for e in whole):g} |")
    lines.append(f"| standard deviation of one look | {noise**0.5:.2f} |")
    reliable = (between - noise / 3) / (between + noise * 2 / 3)
    lines.append(f"| share of the variance of one look that is of the responses | {reliable:.2f} |")
    for level in ("nominal", "ordinal", "interval"):
        found = agreement(table, level=level)
        lines.append(f"| Krippendorff's alpha, {level} | {_number(found.alpha)} |")
    found = agreement(table)
    kappas = ", ".join(_number(each) for each in found.cohen.values())
    lines.append(
        f"| raw; Cohen's kappas; Fleiss' kappa | {_number(found.raw)}; {kappas};"
        f" {_number(found.fleiss)} |"
    )
    return lines


def _met(item: Mapping[str, Any], name: str) -> bool | None:
    met = item["verdicts"].get(name, {}).get("criteria_met")
    return met if isinstance(met, bool) else None


def _score(scores: Sequence[Any], at: int) -> float | None:
    return float(scores[at]) if at < len(scores) and isinstance(scores[at], int | float) else None


def _row(name: str, found: Agreement) -> str:
    cohen = _number(next(iter(found.cohen.values()))) if len(found.cohen) == 1 else ""
    return (
        f"| {name} | {found.items} | {_number(found.raw)} | {cohen}"
        f" | {_number(found.fleiss)} | {_number(found.alpha)} |"
    )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print("\n".join(healthbench(folder / HEALTHBENCH)), end="\n\n")
    print("\n".join(mt_bench(folder / MT_BENCH)))


if __name__ == "__main__":
    main()
