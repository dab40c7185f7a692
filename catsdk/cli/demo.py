"""`catsdk demo`: the method on the model in the box, on problems that it has never seen."""

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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from catsdk.core.ports import Provider
from catsdk.core.runtime import Runtime
from catsdk.core.types import Failure, Reference
from catsdk.evaluate.plot import plot_scaling
from catsdk.evaluate.scaling import Outcome, Problem, Scaling, Share, measure, summarise
from catsdk.middleware.stack import stacked
from catsdk.primitives.reward import Reward

__all__ = ["demo"]

SIZES = (1, 2, 4, 8)
IN_FLIGHT = 4096
# More than the longest solution needs: an untrained model would write to the end of its context.
MAX_TOKENS = 128
CAUTION = (
    "The model in the box (a toy trained for this) was taught synthesis with correct targets, under"
    " made-up numbers: what follows shows that the software works, not that the paper is right."
)

Problems = Annotated[int, typer.Option(min=1, max=5000, help="Number of held-out problems.")]
Seed = Annotated[int, typer.Option(help="Chooses the problems and the random numbers.")]
Random = Annotated[bool, typer.Option("--random-weights", help="Control: an untrained model.")]
Long = Annotated[bool, typer.Option("--long", help="Problems longer than any in training.")]
Plot = Annotated[Path, typer.Option(help="Where the figure goes, .png or .svg.")]
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
    from catsdk.providers import LocalProvider, held_out_problems

    tasks = [Problem(*pair) for pair in held_out_problems(problems, seed, long=long)]
    model = LocalProvider.untrained(seed) if random_weights else LocalProvider()
    outcomes = anyio.run(_run, model, tasks, seed)
    scaling = summarise(outcomes)
    plot_scaling(scaling, plot, f"model in the box, held-out problems, seed {seed}")
    if as_json:
        typer.echo(scaling.model_dump_json(indent=2))
        return
    console = Console()
    console.print(f"[yellow]{CAUTION}[/]\n")
    _show_one(_first_disputed(outcomes), console)
    _show_table(scaling, console)
    console.print(f"Figure: {plot}")


async def _run(model: Provider, tasks: Sequence[Problem], seed: int) -> list[Outcome]:
    provider = stacked(model, runtime=Runtime(max_in_flight=IN_FLIGHT))
    console = Console(stderr=True)
    columns = (TextColumn("sampling and synthesizing"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        bar = progress.add_task("", total=len(tasks))
        return await measure(
            tasks,
            provider,
            provider,
            sizes=SIZES,
            max_tokens=MAX_TOKENS,
            seed=seed,
            on_done=lambda _: progress.advance(bar),
        )


def _first_disputed(outcomes: Sequence[Outcome]) -> Outcome:
    """The first problem whose rollouts disagree on the answer; the first of all if none does."""
    disputed = (o for o in outcomes if len({r.answer for r in o.group.rollouts}) > 1)
    return next(disputed, outcomes[0])


def _show_one(outcome: Outcome, console: Console) -> None:
    console.rule(f"One problem in full: {outcome.problem.prompt} = ?", align="left")
    reference = outcome.references[max(SIZES)]
    rewards: dict[int, str] = {}
    if isinstance(reference, Reference):
        scores = anyio.run(Reward().reward, outcome.group, reference)
        rewards = {s.index: "none" if s.value is None else f"{s.value:g}" for s in scores}
    table = Table("rollout", "steps", "answer", "reward", box=SIMPLE)
    for rollout in outcome.group.rollouts:
        steps = " ".join(rollout.text.split("\n")[:-1])
        table.add_row(
            str(rollout.index),
            escape(steps),
            rollout.answer or "none",
            rewards.get(rollout.index, ""),
        )
    console.print(table)
    if isinstance(reference, Failure):
        console.print(f"[red]no reference[/]: {escape(str(reference))}\n")
        return
    console.print(_contradictions(outcome))
    console.print(
        f"Reference, from all {len(outcome.group.rollouts)}:",
        escape(" ".join(reference.text.split("\n"))),
    )
    console.print(
        f"Majority: {reference.majority or 'a tie'} · reference: {reference.answer} · right:"
        f" {outcome.problem.gold} (nobody was told)\n"
    )


def _contradictions(outcome: Outcome) -> str:
    """Name the first column of digits whose total the rollouts dispute, and what they say there."""
    texts = [rollout.text.split("\n") for rollout in outcome.group.rollouts]
    for lines in zip(*texts, strict=False):
        totals = Counter(line.rpartition("=")[2] for line in lines)
        if len(totals) > 1:
            said = ", ".join(f"{total} ({count}x)" for total, count in totals.most_common())
            column = lines[0].partition(":")[0]
            return (
                f"They first contradict each other on the total of {escape(column)}: {escape(said)}"
            )
    return "They do not contradict each other."


def _show_table(scaling: Scaling, console: Console) -> None:
    heading = f"{scaling.problems} held-out problems: share solved, with one standard error"
    console.rule(heading, align="left")
    console.print(f"single sample {scaling.single} · greedy {scaling.greedy}")
    table = Table(
        "G", "majority", "synthesis", "gain", "departs", "right there", "rescued", box=SIMPLE
    )
    for row in scaling.rows:
        table.add_row(
            str(row.size),
            _short(row.majority),
            _short(row.synthesis),
            f"{row.gain.mean:+.2f} ±{row.gain.error:.2f}",
            f"{row.overruled.mean:.0%}",
            _short(row.right_overruling),
            _count(row.rescued),
        )
    console.print(table)
    console.print(
        "gain: synthesis minus majority on the same problems. departs: synthesis answers otherwise"
        " than the majority; right there: and is right. rescued: how many problems it solves although all G"
        " rollouts are wrong; at G = 1 that is the model correcting a text alone."
    )
    console.print(f"{scaling.tokens:,} tokens, {scaling.failed} failures")


def _short(share: Share) -> str:
    return f"{share.mean:.2f} ±{share.error:.2f}" if share.count else "none"


def _count(share: Share) -> str:
    """How many problems that is, with the standard error of the count."""
    if not share.count:
        return "none"
    return f"{share.mean * share.count:.0f} ±{share.error * share.count:.1f}"
