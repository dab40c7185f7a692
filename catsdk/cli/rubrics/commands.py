"""`catsdk rubric`: proposes a rubric, judges responses by it, and shows the results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, cast

import anyio
import typer
from rich.console import Console

from catsdk.cli.destinations import check_file
from catsdk.cli.exit_codes import ExitCode
from catsdk.cli.rubrics.tables import show_agreement, show_judged, show_rubric, show_screened
from catsdk.core.errors import InvalidInputError, NoModelError
from catsdk.core.options import Sampling
from catsdk.core.settings import Settings
from catsdk.core.types import Completion, Group, Message, Provenance, Reference, Rollout
from catsdk.data import Row, read_rows
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.files import form_of, load, save
from catsdk.rubrics.judge import Judge, Judging
from catsdk.rubrics.judged import Judged
from catsdk.rubrics.page import html_report
from catsdk.rubrics.panel import Panel
from catsdk.rubrics.proposer import RubricProposer
from catsdk.rubrics.quality import Filters
from catsdk.rubrics.scoring import Missing
from catsdk.rubrics.screening import Screened, screened
from catsdk.runtime.client import Client
from catsdk.runtime.context import context_of

__all__ = ["rubric"]


rubric = typer.Typer(
    name="rubric", help="Propose rubrics, judge with them, and show them.", no_args_is_help=True
)

Model = Annotated[
    str | None, typer.Option("--model", "-m", help="The model; default: CATSDK_MODEL.")
]
Judges = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="The judge; repeat the option for a panel."),
]
MaxTokens = Annotated[int | None, typer.Option(help="Maximum number of new tokens in one answer.")]
Html = Annotated[Path | None, typer.Option(help="Write the report to this HTML file.")]
Evidence = Annotated[bool, typer.Option("--evidence", help="Show the evidence for each verdict.")]


@rubric.command()
def propose(
    source: Annotated[Path, typer.Argument(help="A file with the reference, or - for stdin.")],
    model: Model = None,
    question: Annotated[
        bool, typer.Option("--question", help="The file holds the question, not a reference.")
    ] = False,
    weighted: Annotated[
        bool, typer.Option("--weighted", help="Give each criterion a kind and a weight.")
    ] = False,
    at_least: Annotated[int, typer.Option(help="Minimum number of criteria.")] = 5,
    at_most: Annotated[int, typer.Option(help="Maximum number of criteria.")] = 20,
    twins: Annotated[
        bool, typer.Option("--no-twins", help="Drop criteria that repeat another one.")
    ] = False,
    compound: Annotated[
        str, typer.Option(help="Criteria with two demands: keep, split or drop them.")
    ] = "keep",
    check_by: Annotated[
        str | None,
        typer.Option(help="A judge that must rank the reference above a corrupted one."),
    ] = None,
    max_tokens: MaxTokens = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A .yaml or .json file.")] = None,
) -> None:
    """Write a rubric from a reference, or the question alone. Exit code 3: rejected, not saved."""
    if question and check_by is not None:
        raise InvalidInputError(
            "--check-by needs a reference, and with --question there is none; leave one out"
        )
    check_file("--out", out)
    if out is not None:
        form_of(out)
    filters = Filters(twins=twins, compound=cast("Literal['keep', 'split', 'drop']", compound))
    text = _read(source)
    group = Group(prompt=(Message(role="user", content=text if question else "-"),), rollouts=())
    reference = Reference(text=text, group=group, provenance=Provenance(method="file"))
    proposer = RubricProposer(
        _model(model, Settings().anchor),
        Sampling(max_tokens=max_tokens),
        at_least=at_least,
        at_most=at_most,
        source="question" if question else "reference",
        weighted=weighted,
    )
    judge = None
    if check_by is not None:
        judge = Judge(check_by, Sampling(temperature=0.0, max_tokens=max_tokens))
    found = anyio.run(_screened, proposer, reference, filters, judge)
    show_screened(found, Console(emoji=False))
    if out is not None and not found.rejected:
        save(found.rubric, out)
    raise typer.Exit(ExitCode.PARTIAL if found.rejected else ExitCode.DONE)


@rubric.command()
def judge(
    rubric_file: Annotated[Path, typer.Argument(help="The rubric: .yaml or .json.")],
    responses: Annotated[
        list[Path],
        typer.Argument(help="Text files, a .jsonl of texts, or a group from `sample --json`."),
    ],
    model: Judges = None,
    mode: Annotated[str, typer.Option(help="each: one criterion a call; all: one call.")] = "each",
    at_least: Annotated[
        float | None,
        typer.Option(help="Reward by the mean if at least this share of verdicts is known."),
    ] = None,
    max_tokens: MaxTokens = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Save everything to this JSON file.")
    ] = None,
    html: Html = None,
    evidence: Evidence = False,
) -> None:
    """Judge responses by a rubric. Exit code 3: a response has no reward."""
    check_file("--out", out)
    check_file("--html", html)
    by, group = load(rubric_file), _group(responses)
    names = model or [_model(None, Settings().judge)]
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
    judging = Judging(mode=cast("Literal['each', 'all']", mode))
    judges = [Judge(name, sampling, judging=judging) for name in names]
    missing = Missing() if at_least is None else Missing(then="mean", at_least=at_least)
    panel = judges[0] if len(judges) == 1 else Panel(*judges)
    reward = RubricReward(judge=panel, rubric=by, missing=missing)
    scores = anyio.run(reward.reward, group)
    judged = Judged(rubric=by, group=group, scores=scores)
    show_judged(judged, Console(emoji=False), evidence=evidence)
    if out is not None:
        judged.save(out)
    _paged(judged, html)
    raise typer.Exit(
        ExitCode.PARTIAL if any(score.value is None for score in judged.scores) else ExitCode.DONE
    )


@rubric.command()
def show(
    file: Annotated[Path, typer.Argument(help="A rubric, or what `judge --out` wrote.")],
    html: Html = None,
    evidence: Evidence = False,
) -> None:
    """Show a rubric, or a judged group as a matrix."""
    check_file("--html", html)
    try:
        judged = Judged.load(file) if file.suffix.lower() == ".json" else None
    except InvalidInputError:
        judged = None
    if judged is not None:
        show_judged(judged, Console(emoji=False), evidence=evidence)
        _paged(judged, html)
        return
    if html is not None:
        raise InvalidInputError(
            f"{file} holds no judged group, which --html needs; `rubric judge --out` writes one"
        )
    show_rubric(load(file), Console(emoji=False))


@rubric.command()
def agreement(
    folder: Annotated[
        Path, typer.Argument(help="Folder that catsdk wrote to; all runs below it count.")
    ],
) -> None:
    """Compare judges and grades with the labels given by people in `catsdk view`."""
    from catsdk.view import people_and_judges

    show_agreement(people_and_judges(folder), Console(emoji=False))


async def _screened(
    proposer: RubricProposer, reference: Reference, filters: Filters, judge: Judge | None
) -> Screened:
    async with context_of(Client()) as ctx:
        proposed = await proposer.propose(reference, ctx)
        return await screened(proposed, reference.text, filters, judge=judge, ctx=ctx)


def _paged(judged: Judged, html: Path | None) -> None:
    if html is not None:
        html.write_text(html_report(judged), encoding="utf-8")


def _model(model: str | None, role: str | None) -> str:
    chosen = model or role or Settings().model
    if chosen is None:
        raise NoModelError("no model: give --model openai:NAME, or set CATSDK_MODEL")
    return chosen


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read().removeprefix("\ufeff")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}") from error


def _group(paths: list[Path]) -> Group:
    if len(paths) == 1 and paths[0].suffix == ".json":
        try:
            return Group.model_validate_json(_read(paths[0]))
        except ValueError as error:
            reason = str(error).split("\n")[0]
            raise InvalidInputError(f"{paths[0]} holds no group: {reason}") from error
    texts = [text for path in paths for text in _texts(path)]
    if not texts:
        raise InvalidInputError(f"there is no response in {', '.join(map(str, paths))}")
    rollouts = tuple(
        Rollout(index=at, completion=Completion(text=text)) for at, text in enumerate(texts)
    )
    return Group(prompt=(Message(role="user", content="-"),), rollouts=rollouts)


def _texts(path: Path) -> list[str]:
    if path.suffix != ".jsonl":
        return [_read(path).removesuffix("\n")]
    return [_text(row) for row in read_rows(path, text="text")]


def _text(row: Row) -> str:
    found = row.values.get("text", row.values.get("response"))
    if not isinstance(found, str):
        raise InvalidInputError(f"{row.place} is neither a text nor an object with 'text'")
    return found
