"""`catsdk synthesize` and `catsdk sample`: one prompt, answered with evidence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console
from rich.markup import escape

from catsdk.cat import CaT
from catsdk.cli.progress import cost_of, shown
from catsdk.core.errors import InvalidInputError, NoEvidenceError
from catsdk.core.events import ReferenceReady, RolloutArrived, RolloutFailed, SynthesisStarted
from catsdk.core.options import Sampling
from catsdk.core.runtime import Runtime
from catsdk.core.types import Group, Reference
from catsdk.middleware.budget import Budget
from catsdk.sampling.sampler import CUT_SHORT

__all__ = ["sample", "synthesize"]

PARTIAL = 3

Prompt = Annotated[str | None, typer.Argument(help="The prompt; without it, --file or stdin.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="Read the prompt from a file.")]
Count = Annotated[int, typer.Option("-n", help="Number of rollouts G.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", "-m", help="Policy; several times for a mix.")
]
Anchor = Annotated[
    str | None, typer.Option(help="Model that synthesizes; else CATSDK_ANCHOR, or the policy.")
]
Seed = Annotated[int | None, typer.Option(help="Makes a run repeatable where the model can.")]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature.")]
MaxTokens = Annotated[int | None, typer.Option(help="Most new tokens of one answer.")]
MaxRequests = Annotated[int | None, typer.Option(help="Budget: most requests of all stages.")]
MaxUsd = Annotated[float | None, typer.Option(help="Budget: most US dollars of all stages.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="How calls are sent, as NAME=VALUE: hedge=true, quorum=6 ..."),
]
Events = Annotated[Path | None, typer.Option(help="Write what happens to a file, JSON lines.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]


def synthesize(
    prompt: Prompt = None,
    file: File = None,
    n: Count = 8,
    model: Models = None,
    anchor: Anchor = None,
    seed: Seed = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    max_requests: MaxRequests = None,
    max_usd: MaxUsd = None,
    settings: Set = None,
    events: Events = None,
    as_json: AsJson = False,
) -> None:
    """Sample n rollouts and write one reference from them."""
    cat = _cat(
        model,
        anchor,
        seed,
        Sampling(temperature=temperature, max_tokens=max_tokens),
        _budget(max_requests, max_usd),
        settings,
    )
    reference = anyio.run(_synthesize, cat, _read(prompt, file), n, events)
    if as_json:
        typer.echo(reference.model_dump_json(indent=2))
    else:
        _show(reference)
    raise typer.Exit(PARTIAL if reference.partial else 0)


def sample(
    prompt: Prompt = None,
    file: File = None,
    n: Count = 8,
    model: Models = None,
    seed: Seed = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    max_requests: MaxRequests = None,
    max_usd: MaxUsd = None,
    settings: Set = None,
    events: Events = None,
    as_json: AsJson = False,
) -> None:
    """Sample n rollouts and show them."""
    cat = _cat(
        model,
        None,
        seed,
        Sampling(temperature=temperature, max_tokens=max_tokens),
        _budget(max_requests, max_usd),
        settings,
    )
    group = anyio.run(_sample, cat, _read(prompt, file), n, events)
    if as_json:
        typer.echo(group.model_dump_json(indent=2))
    else:
        _show_group(group)
    if not group.rollouts:
        raise NoEvidenceError(f"all {n} rollouts failed: {next(iter(group.failures.values()))}")
    raise typer.Exit(PARTIAL if group.partial else 0)


def _cat(
    model: list[str] | None,
    anchor: str | None,
    seed: int | None,
    sampling: Sampling,
    budget: Budget | None,
    settings: list[str] | None,
) -> CaT:
    runtime = _runtime(settings or [])
    return CaT(model or None, anchor, seed=seed, sampling=sampling, budget=budget, runtime=runtime)


def _budget(requests: int | None, usd: float | None) -> Budget | None:
    return None if requests is None and usd is None else Budget(requests=requests, usd=usd)


def _runtime(settings: list[str]) -> Runtime:
    wrong = [setting for setting in settings if "=" not in setting]
    if wrong:
        raise InvalidInputError(f"--set {wrong[0]!r}: write NAME=VALUE, such as hedge=true")
    named = (setting.split("=", 1) for setting in settings)
    return Runtime(**{name: _value(text) for name, text in named})


def _value(text: str) -> Any:
    """A table, such as that of prices, is written in JSON."""
    if not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"--set {text!r} is not JSON: {error}") from None


def _read(prompt: str | None, file: Path | None) -> str:
    if prompt is not None and file is not None:
        raise InvalidInputError(f"both a prompt and --file {file} are given; give one of them")
    if prompt is not None:
        return prompt
    if file is None:
        return sys.stdin.read().removeprefix("\ufeff")
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"--file {file} cannot be read: {error}") from error


async def _synthesize(cat: CaT, prompt: str, n: int, events: Path | None) -> Reference:
    with shown(n, events) as sight:
        async with cat, cat.stream(prompt, n) as stream:
            async for event in stream:
                sight.on_event(event)
                if isinstance(event, ReferenceReady):
                    return event.reference
                if isinstance(event, RolloutArrived | RolloutFailed):
                    sight.advance()
                if isinstance(event, SynthesisStarted):
                    sight.say("synthesizing")
    raise AssertionError("a stream ends with a reference or an error")


async def _sample(cat: CaT, prompt: str, n: int, events: Path | None) -> Group:
    with shown(n, events) as sight:
        async with cat:
            return await cat.sample(prompt, n, on_rollout=lambda _at, _rollout: sight.advance())


def _show(reference: Reference) -> None:
    console = Console(emoji=False)
    console.print(escape(reference.text), highlight=False)
    console.print(f"\n[bold]{escape(_evidence(reference))}[/]")
    _show_failures(reference.group, console)


def _evidence(reference: Reference) -> str:
    group = reference.group
    parts = [f"{len(group.rollouts)} of {len(group.rollouts) + len(group.failures)} rollouts"]
    if reference.agreement is not None:
        parts.append(f"agreement {reference.agreement:.0%}")
    if reference.disagrees:
        parts.append(f"departs from the majority, {reference.majority}")
    usage = reference.usage
    parts += [f"{usage.requests} requests", f"{usage.tokens:,} tokens", cost_of(usage)]
    parts += [f"by {reference.provenance.method} of {reference.provenance.model or 'the rollouts'}"]
    return " · ".join([*parts, f"PARTIAL: {_cut_short(reference)}"] if reference.partial else parts)


def _cut_short(reference: Reference) -> str:
    """What ended the synthesis, or else the sampling, before its end."""
    because = reference.provenance.settings.get("because")
    failures = reference.group.failures.values()
    late = (failure.message for failure in failures if failure.kind in CUT_SHORT)
    return str(because or next(late, "not all rollouts are there"))


def _show_group(group: Group) -> None:
    console = Console(emoji=False)
    for rollout in group.rollouts:
        answer = "no final answer" if rollout.answer is None else f"answer {rollout.answer}"
        heading = f"rollout {rollout.index} · {rollout.completion.model} · {answer}"
        console.rule(escape(heading), align="left")
        console.print(escape(rollout.text), highlight=False)
    _show_failures(group, console)


def _show_failures(group: Group, console: Console) -> None:
    for index, failure in group.failures.items():
        console.print(f"[red]rollout {index} failed[/]: {escape(str(failure))}")
