"""`catsdk train --preflight`: prints the measurements, the rule and its verdict on a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catsdk.cli.exit_codes import ExitCode
from catsdk.cli.progress import bar
from catsdk.core.display.counting import counted

if TYPE_CHECKING:
    from catsdk.train import CaTConfig, Consensus, Forecast, Measure, Preflight

__all__ = ["fly", "show"]

CODES: Final = {
    "likely": ExitCode.DONE,
    "unknown": ExitCode.FAILED,
    "unlikely": ExitCode.UNLIKELY,
}
_ANSWERS: Final = {
    "likely": "[bold green]LIKELY TO PAY[/]: every condition of the rule holds.",
    "unlikely": "[bold red]NOT LIKELY TO PAY[/]: a condition of the rule does not hold.",
    "unknown": "[bold yellow]UNKNOWN[/]: a condition of the rule could not be checked.",
}
_PASSED: Final = {True: "[green]holds[/]", False: "[red]fails[/]", None: "[yellow]unknown[/]"}
_SHOWN: Final = 3


def fly(config: CaTConfig, prompts: int, *, as_json: bool) -> int:
    """Run the preflight of a training and print its findings; returns the exit code."""
    from catsdk.train import preflight

    display = _Display(config.rollouts.count)
    with display.bar:
        found = preflight(config, prompts=prompts, on_progress=display.on_progress)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        show(found, Console(emoji=False, highlight=False))
    return CODES[found.pays]


class _Display:
    """A progress bar; if the console is not a terminal, one line for each step."""

    def __init__(self, rollouts: int) -> None:
        self.rollouts = rollouts
        self.bar = bar("{task.description}")
        self.task = self.bar.add_task("loading the model", total=None)

    def on_progress(self, step: str, done: int, prompts: int) -> None:
        console = self.bar.console
        if not done and not console.is_terminal:
            each = f", {counted(self.rollouts, 'rollout')} each" if step == "sampling" else ""
            console.print(f"{step}: {counted(prompts, 'prompt')}{each}", highlight=False)
        self.bar.update(self.task, description=step, completed=done, total=prompts)


def show(found: Preflight, console: Console) -> None:
    """Print the findings for a reader who has not seen a preflight before."""
    console.print(
        f"[bold]{escape(found.model)}[/], rewarded by {escape(found.method)}\n"
        f"{counted(found.prompts, 'training prompt')} and {found.graded} with known answers,"
        f" {counted(found.rollouts, 'rollout')} each"
    )
    table = Table("what", "mean", "95 % interval", "prompts", box=None, pad_edge=False)
    for measure in found.measures.values():
        table.add_row(measure.label, *_cells(measure))
    console.print(table)
    for line in (_consensus(found.consensus), _forecast(found.forecast), found.partial):
        if line:
            console.print(f"\n{escape(line)}")
    console.print("\nThe rule:")
    for check in found.checks:
        console.print(f"  {_PASSED[check.passed]}: {escape(check.rule)}; {escape(check.found)}")
    console.print(f"\n{' '.join([_ANSWERS[found.pays], *map(escape, found.advice)])}")


def _cells(measure: Measure) -> tuple[str, str, str]:
    if measure.mean is None:
        return "[yellow]unknown[/]", escape(measure.unknown or ""), "0"
    return f"{measure.mean:.2f}", f"{measure.low:.2f} to {measure.high:.2f}", f"{measure.count}"


def _consensus(found: Consensus) -> str:
    first = (
        f"False consensus: in {found.confident} of {counted(found.prompts, 'prompt')}"
        f" three quarters of the rollouts agree; {found.second_view} contradicts"
        f" {_share(found.contradicted, found.confident)} of these majorities."
    )
    lines = [first]
    if found.wrong.mean is not None:
        told = f"By the known answers, {_share(found.wrong)} of them are wrong"
        if found.caught.mean is not None:
            told += f"; {found.second_view} contradicts {_share(found.caught)} of the wrong ones"
        lines.append(f"{told}.")
    for each in found.contradictions[:_SHOWN]:
        right = {True: "right", False: "wrong", None: "not known to be right"}[each.majority_right]
        lines.append(
            f"  {each.question.strip()[:60]!r}: {each.share:.0%} say {each.majority[:30]!r}"
            f" ({right}), the second view {each.other[:30]!r}"
        )
    more = len(found.contradictions) - _SHOWN
    return "\n".join([*lines, *([f"  and {more} more (--json has them)"] if more > 0 else [])])


def _share(measure: Measure, of: int | None = None) -> str:
    if measure.mean is None:
        return "none" if of == 0 else f"an unknown share ({measure.unknown})"
    return f"{measure.mean:.0%} (95 %: {measure.low:.0%} to {measure.high:.0%})"


def _forecast(found: Forecast) -> str:
    tokens = (
        "" if found.rollout_tokens is None else f" ({found.rollout_tokens:,.0f} tokens in total)"
    )
    price = "at an unknown price" if found.usd is None else f"for ${found.usd:,.2f}"
    return (
        f"The whole training: {found.rollouts:,} rollouts{tokens}; {found.requests:,.0f} calls to"
        f" anchor and judge with {found.tokens:,.0f} tokens, {price}; about {found.hours:.1f} hours"
        " of sampling and scoring at the pace of this preflight, plus the optimiser's own time."
    )
