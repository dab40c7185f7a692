"""`catsdk synthesize` and `catsdk sample`: one prompt, answered with evidence."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console
from rich.markup import escape

from catsdk.answers.answers import no_evidence
from catsdk.cat import CaT
from catsdk.cli.exit_codes import ExitCode
from catsdk.cli.options import Anchor, AsJson, Count, Sampled, taking
from catsdk.cli.progress import CallProgress, cost_of, shown
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import ReferenceReady
from catsdk.core.sending import SendingFields
from catsdk.core.settings import set_by_name
from catsdk.core.types import Group, Reference
from catsdk.runtime.client import Client
from catsdk.sampling.sampler import CUT_SHORT, Sampler

__all__ = ["sample", "synthesize"]

OF_SAMPLER = ("quorum", "late", "deadline")

Prompt = Annotated[
    str | None, typer.Argument(help="The prompt; if omitted, it is read from --file or stdin.")
]
File = Annotated[Path | None, typer.Option("--file", "-f", help="Read the prompt from a file.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A setting of the client as NAME=VALUE, such as limits.in_flight=8, hedge=true or"
        " quorum=6 (repeatable).",
    ),
]
Events = Annotated[Path | None, typer.Option(help="Write every event to this file, as JSON lines.")]


@dataclass(frozen=True, kw_only=True)
class Asked(Sampled):
    """The arguments of `catsdk sample`."""

    prompt: Prompt = None
    file: File = None
    n: Count = 8
    settings: Set = None
    events: Events = None
    as_json: AsJson = False


@dataclass(frozen=True, kw_only=True)
class AskedToSynthesize(Asked):
    """The arguments of `catsdk synthesize`."""

    anchor: Anchor = None


@taking(AskedToSynthesize)
def synthesize(asked: AskedToSynthesize) -> None:
    """Sample n rollouts and write one reference from them."""
    with shown(asked.n, asked.events) as progress:
        c = _cat(asked, progress, asked.anchor)
        reference = anyio.run(_synthesize, c, _read(asked.prompt, asked.file), asked.n)
    if asked.as_json:
        typer.echo(reference.model_dump_json(indent=2))
    else:
        _show(reference)
    raise typer.Exit(ExitCode.PARTIAL if reference.partial else ExitCode.DONE)


@taking(Asked)
def sample(asked: Asked) -> None:
    """Sample n rollouts and show them."""
    with shown(asked.n, asked.events) as progress:
        c = _cat(asked, progress)
        group = anyio.run(_sample, c, _read(asked.prompt, asked.file), asked.n)
    if asked.as_json:
        typer.echo(group.model_dump_json(indent=2))
    else:
        _show_group(group)
    if not group.rollouts:
        raise no_evidence(group)
    raise typer.Exit(ExitCode.PARTIAL if group.partial else ExitCode.DONE)


def _cat(asked: Asked, progress: CallProgress, anchor: str | None = None) -> CaT:
    of_client, of_sampler = _assigned(asked.settings or [])
    client = Client(budget=asked.budget, on_event=progress.on_event, **of_client)
    policies = tuple(asked.model) if asked.model else None
    sampler = Sampler(policies, asked.sampling, asked.seed, **of_sampler)
    return CaT(sampler, estimator=anchor, client=client)


def _assigned(settings: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of the client, and those of the sampler."""
    wrong = [setting for setting in settings if "=" not in setting]
    if wrong:
        raise InvalidInputError(f"--set {wrong[0]!r}: write NAME=VALUE, such as hedge=true")
    pairs = (setting.split("=", 1) for setting in settings)
    tree = set_by_name({name: _value(text) for name, text in pairs})
    of_sampler = {name: tree.pop(name) for name in OF_SAMPLER if name in tree}
    known = SendingFields.model_fields.keys() - {"budget"}
    for name in tree.keys() - known:
        names = ", ".join(sorted({*known, *OF_SAMPLER}))
        raise InvalidInputError(
            f"--set {name}: there is no such setting; the settings are {names}; a part of one is"
            " named like limits.in_flight"
        )
    return tree, of_sampler


def _value(text: str) -> Any:
    """Parse a number, a boolean or an object as JSON; anything else is a text."""
    try:
        return json.loads(text)
    except ValueError as error:
        if text.startswith(("{", "[")):
            raise InvalidInputError(f"--set {text!r} is not JSON: {error}") from None
        return text


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


async def _synthesize(c: CaT, prompt: str, n: int) -> Reference:
    async with c, c.stream(prompt, n) as events:
        references = [
            event.reference async for event in events if isinstance(event, ReferenceReady)
        ]
    return references[-1]


async def _sample(c: CaT, prompt: str, n: int) -> Group:
    async with c:
        return await c.sample(prompt, n)


def _show(reference: Reference) -> None:
    console = Console(emoji=False)
    console.print(escape(reference.text), highlight=False)
    console.print(f"\n[bold]{escape(_evidence(reference))}[/]")
    _show_failures(reference.group, console)


def _evidence(reference: Reference) -> str:
    group = reference.group
    parts = [
        f"{len(group.rollouts)} of {counted(len(group.rollouts) + len(group.failures), 'rollout')}"
    ]
    if reference.agreement is not None:
        answered = sum(rollout.answer is not None for rollout in group.rollouts)
        # The share is of the rollouts with an answer, so say how many those are.
        few = f" of {counted(answered, 'answer')}" if answered < len(group.rollouts) else ""
        parts.append(f"agreement {reference.agreement:.0%}{few}")
    if reference.disagrees:
        parts.append(f"disagrees with the majority, {reference.majority}")
    usage = reference.usage
    parts += [counted(usage.requests, "request"), counted(usage.tokens, "token"), cost_of(usage)]
    parts += [f"by {reference.provenance.method} of {reference.provenance.model or 'the rollouts'}"]
    return " · ".join([*parts, f"PARTIAL: {_cut_short(reference)}"] if reference.partial else parts)


def _cut_short(reference: Reference) -> str:
    """What cut the synthesis short, or else the sampling."""
    because = reference.provenance.settings.get("because")
    failures = reference.group.failures.values()
    late = (failure.message for failure in failures if failure.kind in CUT_SHORT)
    return str(because or next(late, "some rollouts are missing"))


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
