"""`catsdk demo`: the method with the small model in the box, on problems it was not trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catsdk.cli.destinations import check_folder
from catsdk.cli.progress import bar
from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.core.sending import Limits
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.figures import save_figure, size_figure
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.observations import Seen
from catsdk.evaluate.packages import FIGURES, NUMBERS, check_packages
from catsdk.evaluate.report import Report
from catsdk.evaluate.statistics import Estimate
from catsdk.rewards.answer import AnswerReward
from catsdk.runtime.client import Client

__all__ = ["demo"]

SIZES = (1, 2, 4, 8)
IN_FLIGHT = 4096
# More than the longest solution needs: an untrained model would write to the end of its context.
MAX_TOKENS = 128
CAUTION = (
    "The model in the box is a toy, trained to synthesize on made-up problems with correct targets:"
    " what follows shows that the software works, not that the paper is right."
)

Problems = Annotated[int, typer.Option(min=1, max=5000, help="Number of held-out problems.")]
Seed = Annotated[int, typer.Option(help="Chooses the problems and the random numbers.")]
Random = Annotated[bool, typer.Option("--random-weights", help="Control: an untrained model.")]
Long = Annotated[bool, typer.Option("--long", help="Use problems longer than any in training.")]
Plot = Annotated[Path, typer.Option(help="File for the figure, .png or .svg.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON instead.")]


def demo(
    problems: Problems = 200,
    seed: Seed = 0,
    random_weights: Random = False,
    long: Long = False,
    plot: Plot = Path("catsdk-demo.png"),
    as_json: AsJson = False,
) -> None:
    """Show one problem in full, then accuracy against the number of rollouts."""
    check_packages(NUMBERS, FIGURES)
    if plot.suffix not in {".png", ".svg"}:
        raise InvalidInputError(f"--plot {plot} ends in {plot.suffix!r}; name it .png or .svg")
    check_folder("--plot", plot.parent)
    from catsdk.providers import LocalProvider, held_out_problems

    items = [item_of(*pair, id=pair[0]) for pair in held_out_problems(problems, seed, long=long)]
    model = LocalProvider.untrained(seed) if random_weights else LocalProvider()
    report, seen = anyio.run(_run, model, items, seed)
    save_figure(size_figure(report), plot)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
        return
    console = Console(emoji=False)
    console.print(f"[yellow]{CAUTION}[/]\n")
    _show_one(_first_disputed(seen), console)
    _show_table(report, console)
    console.print(f"Figure: {plot}")


async def _run(model: Provider, items: Sequence[Item], seed: int) -> tuple[Report, list[Seen]]:
    evaluation = Evaluation(
        [model],
        names=("synthesis", "majority", "greedy"),
        sweep=Sweep(sizes=SIZES, draws=1, at_once=len(items), seed=seed),
        sampling=Sampling(max_tokens=MAX_TOKENS),
        seed=seed,
        client=Client(limits=Limits(in_flight=IN_FLIGHT), cache=""),
    )
    with bar("sampling and synthesizing") as progress:
        task = progress.add_task("", total=len(items))
        return await evaluation.run(
            items,
            title=f"model in the box, held-out problems, seed {seed}",
            data="held-out problems",
            on_seen=lambda _: progress.advance(task),
        )


def _first_disputed(seen: Sequence[Seen]) -> Seen:
    """The first problem whose rollouts disagree on the answer; the first of all if none does."""
    disputed = (each for each in seen if len({r.answer for r in each.group.rollouts}) > 1)
    return next(disputed, seen[0])


def _show_one(seen: Seen, console: Console) -> None:
    console.rule(f"One problem in full: {seen.item.prompt[-1].text} = ?", align="left")
    reference = seen.references.get("synthesis", {}).get(max(SIZES))
    rewards: dict[int, str] = {}
    if reference is not None:
        scores = anyio.run(AnswerReward().reward, seen.group, reference)
        rewards = {s.index: "none" if s.value is None else f"{s.value:g}" for s in scores}
    table = Table("rollout", "steps", "answer", "reward", box=SIMPLE)
    for rollout in seen.group.rollouts:
        steps = " ".join(rollout.text.split("\n")[:-1])
        table.add_row(
            str(rollout.index),
            escape(steps),
            rollout.answer or "none",
            rewards.get(rollout.index, ""),
        )
    console.print(table)
    if reference is None:
        console.print("[red]no reference[/]: the model failed\n")
        return
    console.print(_contradictions(seen))
    console.print(
        f"Reference, from all {len(seen.group.rollouts)}:",
        escape(" ".join(reference.text.split("\n"))),
    )
    console.print(
        f"Majority: {reference.majority or 'a tie'} · reference: {reference.answer} · correct:"
        f" {seen.item.gold} (the model is never shown it)\n"
    )


def _contradictions(seen: Seen) -> str:
    """The first column of digits on whose total the rollouts disagree, and their totals."""
    texts = [rollout.text.split("\n") for rollout in seen.group.rollouts]
    for lines in zip(*texts, strict=False):
        totals = Counter(line.rpartition("=")[2] for line in lines)
        if len(totals) > 1:
            said = ", ".join(f"{total} ({count}x)" for total, count in totals.most_common())
            column = lines[0].partition(":")[0]
            return f"They first disagree on the total of {escape(column)}: {escape(said)}"
    return "They do not disagree."


def _show_table(report: Report, console: Console) -> None:
    heading = f"{report.items} held-out problems: share solved, with one standard error"
    console.rule(heading, align="left")
    greedy = report.point("greedy", 1)
    console.print(f"single sample {report.single} · greedy {greedy and greedy.score}")
    table = Table(
        "G", "majority", "synthesis", "gain", "disagrees", "correct then", "all wrong", box=SIMPLE
    )
    for size in report.sizes:
        table.add_row(*_row(report, size))
    console.print(table)
    console.print(
        "gain: synthesis minus majority on the same problems. disagrees: how often synthesis"
        " disagrees with the majority; correct then: how often it is correct when it does."
        " all wrong: how many problems it solves although all G rollouts are wrong; at G = 1 the"
        " model then corrects a single text."
    )
    failures = ", ".join(f"{count} {kind}" for kind, count in report.failures.items())
    console.print(f"failures: {failures or 'none'}")


def _row(report: Report, size: int) -> list[str]:
    majority, synthesis = report.point("majority", size), report.point("synthesis", size)
    pair = report.pair("synthesis", "majority", size)
    if majority is None or synthesis is None:
        return [str(size)]
    disagrees = synthesis.departs
    return [
        str(size),
        _short(majority.score),
        _short(synthesis.score),
        "none" if pair is None else f"{pair.difference.mean:+.2f} ±{pair.difference.error:.2f}",
        "none" if disagrees is None else f"{disagrees.mean:.0%}",
        _short(synthesis.right_departing),
        _count(synthesis.rescued),
    ]


def _short(value: Estimate | None) -> str:
    return "none" if value is None else f"{value.mean:.2f} ±{value.error:.2f}"


def _count(share: Estimate | None) -> str:
    """A share as a number of problems, with the standard error of that number."""
    if share is None:
        return "none"
    return f"{share.mean * share.count:.0f} ±{share.error * share.count:.1f}"
