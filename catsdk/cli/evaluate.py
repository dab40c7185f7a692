"""`catsdk eval`: compares estimators on your data, by accuracy and cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console
from rich.markup import escape

from catsdk.cat import CaT
from catsdk.cli.destinations import check_folder, named
from catsdk.cli.exit_codes import ExitCode
from catsdk.cli.methods import client_for, client_of, described
from catsdk.cli.options import AsJson, Column, OfRows, taking
from catsdk.cli.outcome import exit_code
from catsdk.cli.progress import bar
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError, NoModelError
from catsdk.core.settings import Settings
from catsdk.data import Columns
from catsdk.data.sources import FORMS
from catsdk.evaluate.contenders import CONTROLS, DEFAULTS, NAMES, SCORED, SELECTORS
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.files import write_report
from catsdk.evaluate.item_files import ItemFiles
from catsdk.evaluate.items import Item, halves
from catsdk.evaluate.observations import Seen
from catsdk.evaluate.packages import FIGURES, NUMBERS, PARQUET, check_packages
from catsdk.evaluate.reading import check_graded, read_items
from catsdk.evaluate.recorded import Recorded, read_recorded
from catsdk.evaluate.report import Report
from catsdk.evaluate.table import show

__all__ = ["evaluate"]


Data = Annotated[str, typer.Argument(help=f"{FORMS[0].upper()}{FORMS[1:]}.")]
Anchor = Annotated[
    str | None,
    typer.Option(
        help="Model that synthesizes; default: CATSDK_ANCHOR, or the policy. With --recorded"
        " there is no default."
    ),
]
JudgeModel = Annotated[
    str | None,
    typer.Option("--judge", help="Model that judges; default: CATSDK_JUDGE, or the anchor."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--estimator",
        "-e",
        help=f"One or more of: {', '.join(NAMES)}; 'all' of them; or an estimator class, as"
        " module:Class or by its name in the entry point group catsdk.estimators. Where"
        f" the data has scores, {' and '.join(SCORED)} are always added.",
    ),
]
Ungraded = Annotated[
    bool,
    typer.Option(help="Report only cost and disagreement, of data without answers or criteria."),
]
Controls = Annotated[bool, typer.Option(help=f"Add the controls {', '.join(CONTROLS)}.")]
Sizes = Annotated[
    list[str],
    typer.Option(help="The numbers of rollouts G to evaluate, such as 2,8 (repeatable)."),
]
Draws = Annotated[
    int, typer.Option(min=1, help="Number of sub-samples to average, if they need no calls.")
]
FromData = Annotated[
    bool,
    typer.Option("--recorded", help="Use the completions in the data (samples) as rollouts."),
]
Share = Annotated[
    float,
    typer.Option(
        "--calibrate", min=0, max=0.9, help="Share of the items to calibrate the cascade on."
    ),
]
Other = Annotated[str | None, typer.Option(help="Calibrate the cascade on this other data set.")]
Margin = Annotated[
    float,
    typer.Option(min=0, help="Largest loss of score that calibration may accept, by its interval."),
]
Seed = Annotated[int, typer.Option(help="Makes a run repeatable, if the model supports seeds.")]
MaxRequests = Annotated[
    int | None, typer.Option(help="Budget of this run: maximum number of requests.")
]
MaxUsd = Annotated[float | None, typer.Option(help="Budget of this run: maximum US dollars.")]
Out = Annotated[Path, typer.Option(parser=named, metavar="PATH",
                                   help="Folder for the report and the run; run the same"
                                        " command again to resume.")]  # fmt: skip
Title = Annotated[str | None, typer.Option(help="Heading of the report.")]


@dataclass(frozen=True, kw_only=True)
class Asked(OfRows):
    """The arguments of `catsdk eval`."""

    data: Data
    anchor: Anchor = None
    judge: JudgeModel = None
    estimator: Names = None
    recorded: FromData = False
    controls: Controls = False
    sizes: Sizes = field(default_factory=lambda: ["1,2,4,8"])
    draws: Draws = 16
    gold_column: Column = None
    criteria_column: Column = None
    ungraded: Ungraded = False
    calibrate: Share = 0.0
    calibrate_on: Other = None
    margin: Margin = 0.01
    seed: Seed = 0
    max_requests: MaxRequests = None
    max_usd: MaxUsd = None
    out: Out = Path("catsdk-eval")
    title: Title = None
    as_json: AsJson = False


@taking(Asked)
def evaluate(asked: Asked) -> None:
    """Compare estimators on a data set: accuracy, cost, and tests, from the same rollouts."""
    check_packages(NUMBERS, FIGURES, PARQUET)
    check_folder("--out", asked.out)
    columns = Columns(asked.prompt_column, asked.gold_column, asked.criteria_column)
    if asked.recorded and asked.calibrate_on is not None:
        raise InvalidInputError(
            "--recorded calibrates on a share of its own data: give --calibrate instead of"
            " --calibrate-on"
        )
    method = (
        None
        if asked.config is None
        else _method(asked.config, asked.model, recorded=asked.recorded)
    )
    # Checked before the data is read, which may have to be downloaded.
    given = asked.recorded or method is not None
    models = list(asked.model or ()) if given else _models(asked.model)
    items, rollouts = _read(asked.data, columns, asked.limit, recorded=asked.recorded)
    if not asked.ungraded:
        check_graded(items, asked.data)
    items, held = _parted(items, asked.calibrate, asked.calibrate_on, columns, asked.limit)
    settings: dict[str, Any] = {
        "names": _names(
            asked.estimator, controls=asked.controls, alone=asked.recorded and asked.anchor is None
        ),
        "sweep": Sweep(
            sizes=_sizes(",".join(asked.sizes), rollouts), draws=asked.draws, seed=asked.seed
        ),
        "sampling": asked.sampling,
        "seed": asked.seed,
        "calibrate_on": held,
        "margin": asked.margin,
        "store": asked.out / "run.sqlite",
        "keeps_texts": False,
    }
    anchor, judge = asked.anchor, asked.judge
    if method is not None:
        named = {"anchor": anchor, "judge": judge}
        settings |= {role: each for role, each in named.items() if each is not None}
        settings["client"] = client_of(method, asked.budget, asked.max_in_flight)
        evaluation = Evaluation.of(method, **settings)
        models = [str(asked.config)]
    else:
        if rollouts is None:
            usual = Settings()
            anchor, judge = anchor or usual.anchor, judge or usual.judge
        settings["client"] = client_for(asked.budget, asked.max_in_flight, [*models, anchor, judge])
        evaluation = Evaluation(models, anchor, judge, recorded=rollouts, **settings)
    heading = (
        asked.title
        or f"{', '.join(models) or 'recorded rollouts'} on {_named(asked.data)}, seed {asked.seed}"
    )
    kept = ItemFiles(asked.out)
    report = _interruptible(evaluation, items, heading, asked.data, kept)
    kept.finish()
    written = write_report(report, asked.out)
    console = Console(emoji=False)
    if asked.as_json:
        typer.echo(report.model_dump_json(indent=1))
    else:
        show(report, console)
        console.print(f"Report: {', '.join(str(path) for path in written[:3])}, with figures")
    code, why = exit_code(report)
    if why is not None:
        Console(stderr=True, emoji=False).print(f"[bold red]{escape(why)}[/]")
    raise typer.Exit(code)


def _interruptible(
    evaluation: Evaluation, items: list[Item], title: str, data: str, kept: ItemFiles
) -> Report:
    try:
        return anyio.run(_run, evaluation, items, title, data, kept)
    except KeyboardInterrupt:
        Console(stderr=True, emoji=False).print(
            f"stopped. All answers so far are kept in {evaluation.store}: run the same command"
            " again to resume; you pay only for what is missing."
        )
        raise typer.Exit(ExitCode.STOPPED) from None


async def _run(
    evaluation: Evaluation, items: list[Item], title: str, data: str, kept: ItemFiles
) -> Report:
    calibrating = {item.id for item in evaluation.calibrate_on}
    with bar("evaluating") as progress:
        task = progress.add_task("", total=len(items) + len(evaluation.calibrate_on))

        def on_seen(seen: Seen) -> None:
            progress.advance(task)
            # Items to calibrate on are seen too, but the report does not include them.
            if seen.item.id not in calibrating:
                kept.add(seen)

        report, _ = await evaluation.run(items, title=title, data=data, on_seen=on_seen)
    return report


def _named(data: str) -> str:
    return Path(data).name if Path(data).exists() else data


def _read(
    data: str, columns: Columns, limit: int | None, *, recorded: bool
) -> tuple[list[Item], Recorded | None]:
    if recorded:
        return read_recorded(data, columns=columns, limit=limit)
    return read_items(data, columns=columns, limit=limit), None


def _method(config: Path, model: list[str] | None, *, recorded: bool) -> CaT:
    """Read the CaT that a file describes; it names its own policy."""
    if model or recorded:
        other = "--recorded" if recorded else "--model"
        raise InvalidInputError(f"--config names the policy, so it cannot be combined with {other}")
    return described(config)


def _models(model: list[str] | None) -> list[str]:
    configured = Settings().model
    models = model or ([configured] if configured else [])
    if not models:
        raise NoModelError(
            "no model: give --model, or set CATSDK_MODEL in the environment; or give --recorded if"
            " the data holds completions"
        )
    return models


def _names(chosen: list[str] | None, *, controls: bool, alone: bool) -> list[str]:
    usual = SELECTORS if alone else DEFAULTS
    names = list(NAMES) if chosen and "all" in chosen else list(chosen or usual)
    return [*names, *CONTROLS] if controls else names


def _sizes(text: str, recorded: Recorded | None) -> tuple[int, ...]:
    """The numbers in `text`; with recorded rollouts, only those for which there are enough."""
    try:
        sizes = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise InvalidInputError(f"--sizes is {text!r}; give numbers such as 1,2,4,8") from error
    if recorded is None:
        return sizes
    served = tuple(size for size in sizes if size <= recorded.most)
    if not served:
        raise InvalidInputError(
            f"--sizes is {text!r}, but the data holds at most {recorded.most} completions of a"
            " prompt"
        )
    return served


def _parted(
    items: list[Item], share: float, other: str | None, columns: Columns, limit: int | None
) -> tuple[list[Item], list[Item]]:
    """The items to report on, and those to calibrate on."""
    if other is not None:
        return items, read_items(other, columns=columns, limit=limit)
    held, rest = halves(items, share)
    if share and not held:
        raise InvalidInputError(
            f"--calibrate {share:g} of {counted(len(items), 'item')} is none; give a larger share"
        )
    return rest, held
