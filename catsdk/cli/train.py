"""`catsdk train`: trains a model from a YAML file, a preset, or both."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from catsdk.cli.preflight import fly
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.yaml_text import data_of
from catsdk.data.sources import FORMS

if TYPE_CHECKING:
    from catsdk.train import CaTConfig, Trained

__all__ = ["summary", "train"]


class Method(StrEnum):
    """How the model learns."""

    GRPO = "grpo"
    SFT = "sft"
    SDFT = "sdft"


Config = Annotated[
    Path | None, typer.Argument(help="YAML file; `--preset NAME --show` prints one to start from.")
]
Preset = Annotated[
    str | None,
    typer.Option(help="gemma3-4b, qwen3-4b, llama3.1-8b, or box for a 5-minute trial."),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="A folder, a GGUF file, a name on the hub, or local for the model in the box."
    ),
]
Kind = Annotated[
    Method, typer.Option(help="CaT-RL; fine-tuning on syntheses (CaT-SFT); or self-distillation.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting as NAME=VALUE, such as cat.reward=Gold (repeatable)."),
]
Data = Annotated[str | None, typer.Option(help=f"{FORMS[0].upper()}{FORMS[1:]}.")]
HeldOutData = Annotated[str | None, typer.Option("--held-out", help="As --data, with answers.")]
Output = Annotated[
    str | None,
    typer.Option("--out", help="Folder for the run; a run that is already there is resumed."),
]
Anew = Annotated[bool, typer.Option("--anew", help="Start over, even if there are checkpoints.")]
Flight = Annotated[
    bool,
    typer.Option(
        "--preflight",
        help="Sample some prompts and say whether the training is likely to pay; train nothing."
        " Exit codes then: 0 likely; 4 unlikely; 1 cannot tell; 2 wrong set-up.",
    ),
]
Prompts = Annotated[
    int,
    typer.Option(min=1, help="With --preflight: maximum number of prompts of each kind to sample."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="With --preflight: print what was found as JSON.")
]
Show = Annotated[bool, typer.Option("--show", help="Print the whole config and train nothing.")]


def train(
    config: Config = None,
    preset: Preset = None,
    model: Model = None,
    method: Kind = Method.GRPO,
    settings: Set = None,
    data: Data = None,
    held_out: HeldOutData = None,
    output: Output = None,
    anew: Anew = False,
    show: Show = False,
    preflight: Flight = False,
    prompts: Prompts = 32,
    as_json: AsJson = False,
) -> None:
    """Train a model on its own syntheses; run the same command again to resume."""
    named = {"model": model, "data": data, "held_out": held_out, "output": output}
    changes = {name: value for name, value in named.items() if value is not None}
    whole = _config(config, preset, {**changes, **_settings(settings or [])})
    if show:
        typer.echo(whole.to_yaml(), nl=False)
        return
    if preflight or method is Method.GRPO:
        _check_models(whole)
    if preflight:
        raise typer.Exit(fly(whole, prompts, as_json=as_json))
    trained = _run(whole, method, resume=not anew)
    Console(emoji=False).print(summary(trained), highlight=False)


def _config(path: Path | None, preset: str | None, changes: dict[str, Any]) -> CaTConfig:
    from catsdk.train import PRESETS, CaTConfig

    if path is None and preset is None and "model" not in changes:
        raise InvalidInputError(
            "say what to train: --model MODEL with --data FILE, a YAML file, or --preset NAME;"
            f" --preset NAME --show prints a config, and NAME is one of {', '.join(PRESETS)}"
        )
    text = ""
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"the config {path} cannot be read: {error}") from error
    if preset is not None and preset not in PRESETS:
        raise InvalidInputError(f"there is no preset {preset!r}; known: {', '.join(PRESETS)}")
    return CaTConfig.from_yaml(text, changes, under=PRESETS[preset] if preset else None)


def _settings(settings: list[str]) -> dict[str, Any]:
    wrong = [setting for setting in settings if "=" not in setting]
    if wrong:
        raise InvalidInputError(f"--set {wrong[0]!r}: write NAME=VALUE, such as steps=200")
    values: dict[str, Any] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            values[name] = data_of(value, f"--set {setting!r}: the value")
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{error}; put it in quotes, such as --set '{name}=\"{value}\"'"
            ) from None
    return values


def _check_models(config: CaTConfig) -> None:
    """Find a wrong name or a missing key before TRL is imported, which takes many seconds.

    The method checks it again, with what it is given beside the config.
    """
    from catsdk.train import cat_of, check_models

    check_models(cat_of(config))


def _run(config: CaTConfig, method: Method, *, resume: bool) -> Trained:
    from catsdk import train as methods

    trained: Trained = getattr(methods, method.value)(config, resume=resume)
    return trained


def summary(trained: Trained) -> str:
    """The text printed after a training: its steps, the model's folder, and why it stopped."""
    parts = [f"{counted(trained.steps, 'step')}, model in {trained.output}"]
    if trained.resumed_from is not None:
        parts.append(f"resumed from {trained.resumed_from}")
    if trained.stopped_because is not None:
        parts.append(f"stopped early: {trained.stopped_because}")
    known = (row.get("eval_cat/policy") for row in trained.history)
    held_out = [accuracy for accuracy in known if accuracy is not None]
    if held_out:
        parts.append(f"held-out accuracy {held_out[0]:.3f} at the start, {held_out[-1]:.3f} now")
    return "\n".join(parts)
