"""`catsdk prompts`: shows the shipped prompts, and checks your own against their tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catsdk.core.errors import InvalidInputError
from catsdk.prompts.prompt import Prompt, has, shipped_text
from catsdk.prompts.prompt import sets as shipped_sets
from catsdk.prompts.tasks import TASKS, check_slots, fitting, misfit

__all__ = ["prompts"]

prompts = typer.Typer(
    name="prompts",
    help="Show the prompts that catsdk sends, and check your own.",
    no_args_is_help=True,
)


@prompts.command()
def show(
    name: Annotated[
        str | None, typer.Argument(help="A prompt, such as english/synthesize.")
    ] = None,
) -> None:
    """Show the file of one shipped prompt, or list the tasks with their slots."""
    if name is not None:
        typer.echo(shipped_text(name if "/" in name else f"english/{name}"))
        return
    for task, each in TASKS.items():
        sets = [prompt_set for prompt_set in shipped_sets() if has(prompt_set, task)]
        sets += ["box (blind)"] if has("box", f"{task}_blind") else []
        may = f", may have {_slots(each.takes)}" if each.takes else ""
        typer.echo(
            f"{task}: {each.role}; must have {_slots(each.needs)}{may}; in {', '.join(sets)}"
        )


@prompts.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Prompt files of your own.")],
    task: Annotated[
        str | None, typer.Option("--for", help=f"The task: {', '.join(TASKS)}.")
    ] = None,
) -> None:
    """Check prompt files: their form, their slots, and the tasks that they fit."""
    if task is not None and task not in TASKS:
        raise InvalidInputError(f"--for is {task!r}; the tasks are {', '.join(TASKS)}")
    for file in files:
        prompt = Prompt.from_file(file)
        if task is not None:
            check_slots(prompt, task)
        fits = fitting(prompt)
        if not fits:
            reasons = "\n".join(f"- {name}: {misfit(prompt, name)}" for name in TASKS)
            raise InvalidInputError(f"prompt {prompt.source!r} does not fit any task:\n{reasons}")
        typer.echo(
            f"{file}: version {prompt.version}, digest {prompt.digest}, slots"
            f" {_slots(prompt.slots)}; fits {', '.join(fits)}"
        )


def _slots(names: frozenset[str]) -> str:
    return " ".join(f"{{{{{name}}}}}" for name in sorted(names))
