"""`catsdk batch`: the method on many rows, saved as it runs; a stopped run can be resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import anyio
import typer
from rich.console import Console
from rich.markup import escape

from catsdk.batch import PRODUCTS, Estimate, Plan, Summary, estimate, run
from catsdk.cat import CaT
from catsdk.cli.batch_display import BatchDisplay, estimate_table
from catsdk.cli.batches.half_price import HalfPrice
from catsdk.cli.destinations import check_folder, named
from catsdk.cli.exit_codes import ExitCode
from catsdk.cli.methods import client_for, client_of, described, schema_in
from catsdk.cli.options import Anchor, Column, Count, OfRows, taking
from catsdk.cli.progress import cost_of
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.settings import Settings
from catsdk.data import Columns
from catsdk.data.sources import FORMS
from catsdk.rewards.answer import AnswerReward
from catsdk.rewards.reward import Reward
from catsdk.rewards.rubric import RubricReward
from catsdk.sampling.sampler import Sampler

__all__ = ["batch"]

Data = Annotated[str, typer.Argument(help=f"{FORMS}; or requests for OpenAI's batch API.")]
Out = Annotated[
    Path,
    typer.Option(
        parser=named,
        metavar="PATH",
        help="Folder for the results; run the same command again to resume.",
    ),
]
RewardName = Annotated[
    Literal["answer", "rubric"] | None,
    typer.Option(help="Reward for the rollouts, unless --config defines one."),
]
JudgeModel = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="Model that judges, with --reward rubric; default: CATSDK_JUDGE, or the anchor.",
    ),
]
Produce = Annotated[str, typer.Option(help=f"What to make from each row: {', '.join(PRODUCTS)}.")]
MaxRequests = Annotated[
    int | None, typer.Option(help="Budget: maximum number of requests, over all runs.")
]
MaxUsd = Annotated[float | None, typer.Option(help="Budget: maximum US dollars, over all runs.")]
Longest = Annotated[int, typer.Option(min=1, help="Maximum number of characters in a prompt.")]
RetryFailed = Annotated[bool, typer.Option(help="Retry rows that failed or were cut short.")]
Ordered = Annotated[bool, typer.Option(help="Write the results in the order of the rows.")]
OutFormat = Annotated[Literal["jsonl", "parquet"], typer.Option(help="Format of the results.")]
Output = Annotated[
    Path | None,
    typer.Option(help="File with a JSON schema for the references; adds a column `output`."),
]
NoStore = Annotated[
    bool,
    typer.Option(
        "--no-store",
        help="Keep no texts in the store; unfinished rows are then paid for again.",
    ),
]
EstimateOnly = Annotated[
    bool,
    typer.Option("--estimate", help="Process a few rows, keep them, and estimate the cost of all."),
]
Probes = Annotated[
    int, typer.Option(min=2, max=1024, help="Number of rows that --estimate processes.")
]
Shard = Annotated[int, typer.Option(min=1, help="Number of records in one result file.")]


@dataclass(frozen=True, kw_only=True)
class Asked(OfRows, HalfPrice):
    """The arguments of `catsdk batch`."""

    data: Data
    out: Out
    anchor: Anchor = None
    reward: RewardName = None
    judge: JudgeModel = None
    produce: Produce = "reference"
    n: Count = 8
    id_column: Column = None
    max_requests: MaxRequests = None
    max_usd: MaxUsd = None
    longest: Longest = 1_000_000
    retry_failed: RetryFailed = False
    ordered: Ordered = False
    format: OutFormat = "jsonl"
    shard: Shard = 10_000
    output: Output = None
    no_store: NoStore = False
    estimate: EstimateOnly = False
    probes: Probes = 32


@taking(Asked)
def batch(asked: Asked) -> None:
    """Make references, rewards or training data from many rows; stop and resume at any time."""
    check_folder("--out", asked.out)
    plan = _plan(asked)
    console = Console(stderr=True, emoji=False)
    display = BatchDisplay(console, None if asked.estimate else asked.n)
    # Safe to replace: the client was made for this run, so nobody else listens to it.
    plan.cat.client.on_event = display.on_event
    try:
        if asked.estimate:
            expected = anyio.run(_estimated, asked, plan, display)
            Console(emoji=False, soft_wrap=True).print(estimate_table(expected, asked.n))
            console.print(
                f"This estimate is based on {counted(expected.probes, 'row')}. Their results are"
                f" kept in {escape(str(asked.out))}: run the same command without --estimate to"
                " continue from there."
            )
            raise typer.Exit(ExitCode.DONE)
        summary = anyio.run(_made, asked, plan, display)
    except KeyboardInterrupt:
        console.print(_how_to_resume(asked))
        raise typer.Exit(ExitCode.STOPPED) from None
    typer.echo(f"{summary}; {cost_of(summary.usage)} · {asked.out}")
    code, why = _ended(summary, asked.out)
    if why is not None:
        console.print(f"[bold red]{escape(why)}[/]")
    raise typer.Exit(code)


async def _made(asked: Asked, plan: Plan, display: BatchDisplay) -> Summary:
    with display.bar:
        return await run(
            asked.data,
            asked.out,
            plan,
            budget=asked.budget,
            retry_failed=asked.retry_failed,
            limit=asked.limit,
            ordered=asked.ordered,
            format=asked.format,
            shard=asked.shard,
            on_progress=display.on_progress,
        )


async def _estimated(asked: Asked, plan: Plan, display: BatchDisplay) -> Estimate:
    with display.bar:
        return await estimate(
            asked.data,
            asked.out,
            plan,
            probes=asked.probes,
            budget=asked.budget,
            limit=asked.limit,
            on_progress=display.on_progress,
        )


def _how_to_resume(asked: Asked) -> str:
    kept = "All finished rows are kept" if asked.no_store else "All answers so far are kept"
    return (
        f"stopped. {kept} in {escape(str(asked.out))}: run the same command again to resume; you"
        " pay only for what is missing."
    )


def _plan(asked: Asked) -> Plan:
    chosen = (
        asked.model,
        asked.anchor,
        asked.reward,
        asked.judge,
        asked.seed,
        asked.temperature,
        asked.max_tokens,
        asked.output,
    )
    if asked.config is not None and any(each is not None for each in chosen):
        raise InvalidInputError(
            "--config describes the whole method, so it cannot be combined with --model, --anchor,"
            " --reward, --judge, --seed, --temperature, --max-tokens or --output"
        )
    method = (
        _capped(described(asked.config), asked.max_in_flight)
        if asked.config is not None
        else _method(asked)
    )
    if (batching := asked.batching) is not None:
        method = method.with_client(method.client.with_batching(batching))
    return Plan(
        method,
        n=asked.n,
        produces=asked.produce,
        columns=Columns(prompt=asked.prompt_column, id=asked.id_column),
        longest=asked.longest,
        keeps_texts=not asked.no_store,
    )


def _capped(method: CaT, max_in_flight: int | None) -> CaT:
    return CaT(
        method.sampler,
        estimator=method.estimator,
        reward=method.rewarder,
        answers=method.answers,
        client=client_of(method, None, max_in_flight),
    )


def _method(asked: Asked) -> CaT:
    usual, model = Settings(), asked.model
    models = [*(model or ()), *([] if model else [usual.model]), asked.anchor or usual.anchor]
    models += [asked.judge or usual.judge] if asked.reward == "rubric" else []
    policy = tuple(model) if model else None
    return CaT(
        Sampler(policy, asked.sampling, asked.seed),
        estimator=asked.anchor,
        reward=_reward(asked),
        client=client_for(None, asked.max_in_flight, models),
        output=None if asked.output is None else schema_in(asked.output),
    )


def _reward(asked: Asked) -> Reward | None:
    if asked.judge is not None and asked.reward != "rubric":
        raise InvalidInputError(
            "--judge names the model that judges by a rubric; add --reward rubric"
        )
    if asked.reward == "rubric":
        return RubricReward() if asked.judge is None else RubricReward(judge=asked.judge)
    return None if asked.reward is None else AnswerReward()


def _ended(summary: Summary, out: Path) -> tuple[ExitCode, str | None]:
    if summary.waiting:
        return ExitCode.PARTIAL, (
            f"partial: the budget ran out with {counted(summary.waiting, 'row')} left. Run the"
            " same command with a larger budget to resume."
        )
    lost = summary.failed + summary.refused
    if not lost and not summary.partial:
        return ExitCode.DONE, None
    code = ExitCode.PARTIAL if summary.ok or summary.partial else ExitCode.FAILED
    again = "; retry them with --retry-failed" if summary.failed or summary.partial else ""
    which = counted(lost + summary.partial, "incomplete row")
    return code, f"{which}: see {out / 'failed.jsonl'}{again}"
