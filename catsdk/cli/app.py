"""Assembles the commands, and turns errors into messages and exit codes."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from catsdk.cli.batch import batch
from catsdk.cli.batches.listing import batches
from catsdk.cli.demo import demo
from catsdk.cli.doctor import doctor
from catsdk.cli.evaluate import evaluate
from catsdk.cli.exit_codes import EXIT_CODES, ExitCode
from catsdk.cli.generate import sample, synthesize
from catsdk.cli.listing import providers
from catsdk.cli.mcp import mcp
from catsdk.cli.prompts import prompts
from catsdk.cli.reward_server import reward_server
from catsdk.cli.rubrics.commands import rubric
from catsdk.cli.serve import serve
from catsdk.cli.train import train
from catsdk.cli.view import view
from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError

__all__ = ["main"]

app = typer.Typer(
    name="catsdk",
    help="Compute as Teacher: synthesize several answers of a model into one, with evidence.",
    epilog=f"{EXIT_CODES}.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    synthesize,
    sample,
    batch,
    batches,
    demo,
    providers,
    doctor,
    serve,
    view,
    mcp,
    reward_server,
):
    app.command()(command)
app.command(name="eval")(evaluate)
app.command(epilog=f"{EXIT_CODES}.")(train)
app.add_typer(prompts)
app.add_typer(rubric)


def main() -> None:
    """Run the command line."""
    # So that module:Class can name a class in the current folder. It comes last, so that no file
    # there shadows an installed package.
    sys.path.append("")
    try:
        app()
    except CatError as error:
        Console(stderr=True, emoji=False).print(
            f"[red]{type(error).__name__}[/]: {escape(str(error))}"
        )
        wrong = isinstance(error, InvalidInputError | ConfigurationError)
        sys.exit(ExitCode.WRONG_SET_UP if wrong else ExitCode.FAILED)
