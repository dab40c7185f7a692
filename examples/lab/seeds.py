"""Compare many seeds of two arms to see how often each reward ends well.

    python -m examples.lab.seeds docs/lab --remedy docs/lab/kl --page docs/results.md

A run *fell* if it ends more than 0.1 below its best evaluation, and *collapsed* if it ends below
its start. Only seeds that both arms have are compared. Shares have exact 95% intervals (Clopper and
Pearson 1934). The two p-values are exact too: McNemar's test on the seeds in which only one arm
fell, and a sign-flip test on the paired differences.
"""

# matplotlib's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

from statsmodels.stats.proportion import proportion_confint

from catsdk.evaluate.statistics import mcnemar
from catsdk.train import Stop
from catsdk_providers.box.problems import problems
from examples.lab.curves import LABELS, read_units
from examples.lab.held_out import share
from examples.lab.laboratory import write_between
from examples.lab.stops import Judged, history_of, judged

__all__ = [
    "by_seed",
    "draw",
    "flips",
    "losses",
    "of_count",
    "remedied",
    "signs",
    "table",
    "told_of",
]

MARK, END = "<!-- seeds -->", "<!-- /seeds -->"
STEPS: Final = (15, 30)
_SIGNS: Final = {
    "reward": "reward",
    "cat/agreement": "agreement",
    "frac_reward_zero_std": "groups whose rewards are all the same",
    "entropy": "entropy, nats a token",
    "completions/mean_length": "length, tokens",
}
Told = dict[str, Any]


def of_count(count: int, total: int) -> str:
    """A share as a count with its exact 95% interval, such as `1 of 12 (0.00 to 0.38)`."""
    low, high = proportion_confint(count, total, alpha=0.05, method="beta")
    return f"{count} of {total} ({low:.2f} to {high:.2f})"


def flips(differences: Sequence[float]) -> float:
    """Two-sided p-value of paired differences: the share of sign flips with as large a sum."""
    seen = abs(fmean(differences))
    means = [
        abs(fmean(sign * each for sign, each in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(mean >= seen - 1e-12 for mean in means) / len(means)


def by_seed(units: Sequence[Told]) -> dict[int, Judged]:
    """How each run ended, by seed."""
    return {told["unit"]["seed"]: judged(told, Stop()) for told in units}


def table(units: Mapping[str, Sequence[Told]], first: str = "cat", second: str = "ttrl") -> str:
    """Markdown with a summary of both arms, their difference, and a row for each seed."""
    arms = {arm: by_seed(units[arm]) for arm in (first, second)}
    seeds = sorted(set(arms[first]) & set(arms[second]))
    lines = [
        "| arm | seeds | end: median | mean | least | most | fell | collapsed |",
        "| --- " * 8 + "|",
        *(_summed(LABELS[arm], [runs[seed] for seed in seeds]) for arm, runs in arms.items()),
        "",
        _compared(arms[first], arms[second], seeds),
        "",
        "| seed | " + " | ".join(f"{LABELS[arm]}: best | end | stopped at" for arm in arms) + " |",
        "| --- " * 7 + "|",
    ]
    for seed in seeds:
        cells = [
            cell
            for run in (arms[first][seed], arms[second][seed])
            for cell in (
                f"{run.best:.2f}",
                f"{run.end:.2f}",
                _stopped(run),
            )
        ]
        lines.append(f"| {seed} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _summed(label: str, runs: Sequence[Judged]) -> str:
    ends = [run.end for run in runs]
    cells = (
        label,
        str(len(runs)),
        *(f"{value:.2f}" for value in (median(ends), fmean(ends), min(ends), max(ends))),
        of_count(sum(run.fell for run in runs), len(runs)),
        of_count(sum(run.end < run.accuracies[0] for run in runs), len(runs)),
    )
    return f"| {' | '.join(cells)} |"


def _stopped(run: Judged) -> str:
    return "never" if run.stops is None else f"{run.stops}, {run.at_stop:.2f}"


def _compared(first: Mapping[int, Judged], second: Mapping[int, Judged], seeds: list[int]) -> str:
    differences = [first[seed].end - second[seed].end for seed in seeds]
    higher = sum(difference > 0 for difference in differences)
    fell = [(first[seed].fell, second[seed].fell) for seed in seeds]
    only = [sum(pair == one for pair in fell) for one in ((True, False), (False, True))]
    return (
        f"CaT-RL ends higher than TTRL in {higher} of {len(seeds)} seeds, on average by"
        f" {fmean(differences):+.3f} (p = {flips(differences):.3f} by flips of sign) and in the"
        f" median by {median(differences):+.3f}; it alone fell in {only[0]}, TTRL"
        f" alone in {only[1]} of them (p = {mcnemar(*only):.3f})."
    )


def losses(units: Sequence[Told]) -> str:
    """What greedy decoding solves in the runs that fell, by the number of digits.

    The table also has the majority of the sampled rollouts, and their synthesis by the initial
    policy, which is measured only at the end.

    Args:
        units: Runs of the laboratory, all measured on the same problems.
    """
    places = _digits_of(units[0])
    digits = (f"greedy, {count} digits" for count in places)
    heads = ["run", "step", *digits, "majority of 8", "initial policy synthesizes 8"]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for told in units:
        run = judged(told, Stop())
        best = max(run.accuracies, key=lambda step: run.accuracies[step])
        for point in told["points"] if run.fell else []:
            if point["step"] in (best, max(run.accuracies)):
                found = point["held_out"]
                cells = [
                    f"{sum(found['greedy'][at] == '1' for at in each)} of {len(each)}"
                    for each in places.values()
                ]
                cells += [
                    f"{share(found, name, 1):.2f}" if name in found else ""
                    for name in ("majority", "teacher")
                ]
                lines.append(f"| {run.name} | {point['step']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def remedied(units: Sequence[Told], others: Sequence[Told]) -> str:
    """Compare runs of the same arm and seed without and with a KL penalty.

    Args:
        units: Runs of the laboratory.
        others: The same, with a KL penalty towards the initial policy in the loss (`--plan kl`).
    """
    first = {run.name: run for run in (judged(told, Stop()) for told in units)}
    lines = ["| run | best | end | with KL: best | end | stopped at |", "| --- " * 6 + "|"]
    for told in others:
        run = judged(told, Stop())
        plain = first[run.name]
        cells = [f"{value:.2f}" for value in (plain.best, plain.end, run.best, run.end)]
        lines.append(f"| {run.name} | {' | '.join(cells)} | {_stopped(run)} |")
    return "\n".join(lines)


def _digits_of(told: Told) -> dict[int, list[int]]:
    """The indices of the held-out problems, by how many digits their numbers have."""
    places: dict[int, list[int]] = {}
    for at, problem in enumerate(problems("heldout", told["unit"]["plan"]["evaluated"], 0)):
        places.setdefault(len(str(problem.top)), []).append(at)
    return dict(sorted(places.items()))


def signs(units: Sequence[Told], step: int) -> str:
    """Label-free metrics logged up to `step`, in runs that fell and in the others."""
    parted: dict[bool, list[Told]] = {True: [], False: []}
    for told in units:
        parted[judged(told, Stop()).fell].append(told)
    lines = ["| sign | runs that fell | others |", "| --- | --- | --- |"]
    for name, label in _SIGNS.items():
        cells = (_range([_logged(told, name, step) for told in runs]) for runs in parted.values())
        lines.append(f"| {label} | {' | '.join(cells)} |")
    cells = (_range([_kept(told, step) for told in runs]) for runs in parted.values())
    lines.append(f"| answers that the policy was sure of, kept | {' | '.join(cells)} |")
    return "\n".join(lines)


def _logged(told: Told, name: str, step: int) -> float:
    """The mean over the five steps that end at `step`."""
    return fmean(row[name] for row in told["log"] if step - 5 < row["step"] <= step)


def _kept(told: Told, step: int) -> float:
    rows = (row for row in history_of(told) if row["step"] == step and "eval_cat/kept" in row)
    return float(next(rows)["eval_cat/kept"])


def _range(values: Sequence[float]) -> str:
    if not values:
        return "none"
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def draw(units: Mapping[str, Sequence[Told]], path: Path) -> None:
    """Plot held-out accuracy: a panel per arm, a line per seed; runs that fell are highlighted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, arm in zip(panels, ("cat", "ttrl"), strict=True):
        runs = by_seed(units[arm])
        for seed, run in runs.items():
            steps = sorted(run.accuracies)
            color = "C3" if run.fell else "0.6"
            axes.plot(steps, [run.accuracies[step] for step in steps], color=color, marker=".")
            if run.fell:
                axes.annotate(
                    f"seed {seed}", (steps[-1], run.end), xytext=(4, 0),
                    textcoords="offset points", color=color, fontsize=8, va="center",
                )  # fmt: skip
        fell = sum(run.fell for run in runs.values())
        axes.set_title(f"{LABELS[arm]}: {fell} of {len(runs)} runs fell", fontsize=10)
        axes.set_xlabel("step")
        axes.set_xlim(right=1.15 * max(max(run.accuracies) for run in runs.values()))
        axes.set_ylim(-0.02, 1)
        axes.grid(visible=True, color="0.93")
    panels[0].set_ylabel("held-out accuracy, one sample")
    figure.savefig(path, dpi=130)


def told_of(
    units: Mapping[str, Sequence[Told]],
    remedy: Mapping[str, Sequence[Told]],
    steps: Sequence[int],
) -> str:
    """All tables, one below the other.

    Args:
        units: The runs of both arms.
        remedy: Runs of the same seeds with the plan `kl`, by arm; may be empty.
        steps: The steps up to which the signs are tabulated.
    """
    both = [told for arm in ("cat", "ttrl") for told in units[arm]]
    parts = [table(units)]
    parts += ["What the runs that fell solved at their best evaluation and at the end:"]
    parts += [losses(both)]
    for step in steps:
        parts += [f"Up to step {step}, median and range over the runs of both arms:"]
        parts += [signs(both, step)]
    if remedy:
        parts += ["The same seeds, held near the initial policy by a KL weight of 0.05:"]
        parts += [remedied(both, [told for runs in remedy.values() for told in runs])]
    return "\n\n".join(parts)


def main() -> None:
    """Print the tables for a folder of units, and plot its runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--remedy", type=Path, help="a folder of units with the plan `kl`")
    parser.add_argument("--page", type=Path, help="page for the tables")
    chosen = parser.parse_args()
    units = read_units(chosen.folder)
    draw(units, chosen.folder / "seeds.png")
    remedy = {} if chosen.remedy is None else read_units(chosen.remedy)
    told = told_of(units, remedy, chosen.steps)
    print(told)
    if chosen.page is not None:
        write_between(chosen.page, told, MARK, END)


if __name__ == "__main__":
    main()
