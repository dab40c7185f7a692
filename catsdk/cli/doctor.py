"""`catsdk doctor`: versions, keys, endpoints, and one token from each configured model."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Annotated, Literal
from urllib.parse import urlsplit

import anyio
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catsdk import __version__
from catsdk.cli.exit_codes import ExitCode
from catsdk.cli.probes import probed
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.display.counting import counted
from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError, TimedOutError
from catsdk.core.model_strings import BUILT_IN, resolve
from catsdk.core.ports import Provider, innermost
from catsdk.core.sending import Timeouts
from catsdk.core.settings import Settings
from catsdk.core.types import Message, Request
from catsdk.core.value import Value
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, context_of

__all__ = ["Finding", "doctor"]

PACKAGES = ("anyio", "pydantic", "openai", "aiohttp", "tenacity", "sympy", "rich")
OPTIONAL = (
    "anthropic",
    "litellm",
    "torch",
    "transformers",
    "trl",
    "vllm",
    "opentelemetry-api",
    "uvloop",
)
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "VLLM_API_KEY")
ENDPOINTS = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "VLLM_BASE_URL")
# About as many calls as the probes make; --timeout is the limit for each.
PROBES = 10
HELLO = Request(messages=(Message(role="user", content="Say: ok"),), max_tokens=1)

State = Literal["ok", "absent", "set-up", "failed"]
# The exit code is that of the worst state: a wrong set-up ranks above a failing service, as in the
# other commands.
CODES: dict[State, ExitCode] = {
    "ok": ExitCode.DONE,
    "absent": ExitCode.DONE,
    "failed": ExitCode.FAILED,
    "set-up": ExitCode.WRONG_SET_UP,
}
COLOURS: dict[State, str] = {"ok": "green", "absent": "dim", "failed": "red", "set-up": "red"}

Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="Model to call (repeatable); default: the configured ones."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Make no calls.")]
Seconds = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Time limit for one call, in seconds.")
]
Deep = Annotated[
    list[str] | None,
    typer.Option("--deep", help="Model to test with a dozen short calls (repeatable)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")]


class Finding(Value):
    """One line of the report: a version, a key, an endpoint or a model, and its state."""

    what: str
    name: str
    state: State
    said: str


def doctor(
    model: Models = None,
    deep: Deep = None,
    offline: Offline = False,
    timeout: Seconds = 60.0,
    as_json: AsJson = False,
) -> None:
    """Check the set-up and ask each configured model for one token.

    With --deep, find out what a model's endpoint really supports (several answers a request, token
    counts, log-probabilities, seeds, JSON, streams), and how catsdk adapts to it.

    Exit codes: 0 all is well; 1 a model or its service failed; 2 the set-up is wrong.
    """
    findings = [*_versions(), *_variables()]
    models = model or ([] if deep else _configured())
    if not models and not deep:
        findings.append(
            Finding(
                what="model",
                name="CATSDK_MODEL",
                state="set-up",
                said="no model is configured; set CATSDK_MODEL or give --model",
            )
        )
    findings += [_made(each) for each in models] if offline else anyio.run(_called, models, timeout)
    for each in deep or ():
        findings += [_made(each)] if offline else anyio.run(_probed, each, timeout)
    if as_json:
        typer.echo("\n".join(finding.model_dump_json() for finding in findings))
    else:
        _show(findings)
    raise typer.Exit(max(CODES[finding.state] for finding in findings))


def _configured() -> list[str]:
    """The models that the environment names, each once."""
    settings = Settings()
    named = (settings.model, settings.anchor, settings.judge)
    return list(dict.fromkeys(model for model in named if model))


def _versions() -> list[Finding]:
    python = Finding(what="version", name="python", state="ok", said=platform.python_version())
    own = Finding(what="version", name="catsdk", state="ok", said=__version__)
    needed = [_version(name, missing="set-up") for name in PACKAGES]
    return [python, own, *needed, *(_version(name, missing="absent") for name in OPTIONAL)]


def _version(name: str, *, missing: State) -> Finding:
    try:
        return Finding(what="version", name=name, state="ok", said=version(name))
    except PackageNotFoundError:
        return Finding(what="version", name=name, state=missing, said="not installed")


def _variables() -> list[Finding]:
    keys = [_variable("key", name, lambda _: "set") for name in KEYS]
    return keys + [_variable("endpoint", name, _bare) for name in ENDPOINTS]


def _variable(what: str, name: str, shown: Callable[[str], str]) -> Finding:
    value = os.environ.get(name, "")
    if not value:
        return Finding(what=what, name=name, state="absent", said="not set")
    if value != value.strip() or not value.isprintable():
        return Finding(
            what=what, name=name, state="set-up", said="contains line breaks, or spaces around it"
        )
    return Finding(what=what, name=name, state="ok", said=shown(value))


def _bare(url: str) -> str:
    """The URL's scheme, host and path, without the part before an @, which may be a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


async def _called(models: Sequence[str], seconds: float) -> list[Finding]:
    # Without middleware, so that neither a retry nor a cached answer hides a failure.
    client = Client(timeouts=Timeouts(attempt=seconds), middleware=[])
    async with context_of(client) as ctx:
        return await fan_out(lambda model: _call(model, seconds, ctx), models)


async def _call(model: str, seconds: float, ctx: Context) -> Finding:
    try:
        provider = await ctx.model(model)
        start = perf_counter()
        (completion, *_) = await provider.complete(HELLO)
    except TimedOutError as error:
        if error.status is not None:
            return _failure(model, error)
        said = f"no answer within {seconds:g} s; raise --timeout if the model needs longer"
        return Finding(what="model", name=model, state="failed", said=said)
    except CatError as error:
        return _failure(model, error)
    seconds, usage = perf_counter() - start, completion.usage
    tokens = "usage not reported" if usage.unreported else counted(usage.tokens, "token")
    said = f"answered in {seconds:.2f} s{_at(provider)}, {tokens}"
    return Finding(what="model", name=model, state="ok", said=said)


async def _probed(model: str, seconds: float) -> list[Finding]:
    try:
        async with context_of(Client(middleware=[])) as ctx:
            # The innermost provider, so that the probes see what the service itself does.
            provider = innermost(await ctx.model(model))
            with anyio.fail_after(seconds * PROBES):
                results = await probed(provider)
    except CatError as error:
        return [_failure(model, error)]
    except TimeoutError:
        said = f"the probes took over {seconds * PROBES:g} s"
        return [Finding(what="model", name=model, state="failed", said=said)]
    head = Finding(what="model", name=model, state="ok", said=f"probed{_at(provider)}")
    found = [
        Finding(what="probe", name=each.name, state=each.state, said=each.said) for each in results
    ]
    return [head, *found]


def _made(model: str) -> Finding:
    """Make a model's provider without opening it, which could load the model."""
    try:
        provider = resolve(model)
    except CatError as error:
        return _failure(model, error)
    return Finding(what="model", name=model, state="ok", said=f"not called{_at(provider)}")


def _failure(model: str, error: CatError) -> Finding:
    wrong = isinstance(error, InvalidInputError | ConfigurationError)
    said = f"{type(error).__name__}: {error}"
    return Finding(what="model", name=model, state="set-up" if wrong else "failed", said=said)


def _at(provider: Provider) -> str:
    url = getattr(provider, "base_url", None)
    return f" at {_bare(url)}" if isinstance(url, str) else ""


def _show(findings: Sequence[Finding]) -> None:
    table = Table("what", "name", "state", "")
    for finding in findings:
        colour = COLOURS[finding.state]
        table.add_row(
            finding.what,
            escape(finding.name),
            f"[{colour}]{finding.state}[/]",
            escape(finding.said),
        )
    Console(emoji=False).print(table)
    known = ", ".join(sorted(BUILT_IN))
    Console(emoji=False).print(f"Model strings begin with one of: {known} (see `catsdk providers`)")
