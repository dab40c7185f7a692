"""Exact resume: find the last complete checkpoint, and check that the run is the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from catsdk.core.errors import ConfigurationError
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.data.first_answers import forget_first_answers
from catsdk_trainers.trl.ranks import everywhere
from catsdk_trainers.trl.spending import forget_spent

__all__ = ["CONFIG", "MarkWhole", "begin", "last_whole"]

CONFIG = "catsdk.yaml"
_DATA = "catsdk-data.json"
_WHOLE = "catsdk-whole.json"
_PREFIX = "checkpoint-"
# Settings that may change between a run and its continuation.
_FREE = {
    "steps", "output", "reporters", "checkpoints", "stop", "failing", "data", "held_out", "budget",
    "probe",
}  # fmt: skip


class MarkWhole(TrainerCallback):
    """Marks a checkpoint when every rank has written its part; those without a mark are not used.

    It must be the last callback, so that the mark covers what others save.
    """

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Wait for all ranks, then mark."""
        everywhere(state.global_step)
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"{_PREFIX}{state.global_step}"
            (folder / _WHOLE).write_text(json.dumps({"step": state.global_step}), "utf-8")


def last_whole(folder: Path) -> Path | None:
    """The latest complete checkpoint in `folder`."""
    marked = [path.parent for path in folder.glob(f"{_PREFIX}*/{_WHOLE}")]
    return max(marked, key=lambda path: int(path.name.removeprefix(_PREFIX)), default=None)


def begin(
    folder: Path, config: CaTConfig, data: Mapping[str, str], *, resume: bool = True
) -> Path | None:
    """Record what this run is, or check that it is the one in `folder`.

    Returns the checkpoint to resume from. `data` has the fingerprints of the rows and of a CaT
    passed as an object. Without `resume`, existing checkpoints are no longer used, and recorded
    spending and first answers are forgotten.

    Raises:
        ConfigurationError: the folder holds another run.
    """
    if not resume:
        forget_spent(folder)
        forget_first_answers(folder)
        for mark in folder.glob(f"{_PREFIX}*/{_WHOLE}"):
            mark.unlink()
    at = last_whole(folder)
    if at is None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(config.to_yaml(), "utf-8")
        (folder / _DATA).write_text(json.dumps(dict(data)), "utf-8")
        return None
    before = CaTConfig.read(folder / CONFIG)
    pairs = {
        name: (_deciding(before, name), _deciding(config, name))
        for name in CaTConfig.model_fields
        if name not in _FREE
    }
    changed = [
        f"{name} was {old!r} and is {new!r}" for name, (old, new) in pairs.items() if old != new
    ]
    known = json.loads((folder / _DATA).read_text("utf-8"))
    if known.get("cat") != data.get("cat"):
        changed.append("another CaT was given")
    if {**known, "cat": None} != {**data, "cat": None}:
        changed.append("the data differs")
    if changed:
        raise ConfigurationError(
            f"{folder} holds another run: {'; '.join(changed)}. Choose another `output`, or give"
            " resume=False to start over there"
        )
    return at


def _deciding(config: CaTConfig, name: str) -> Any:
    """A setting, without the parts that only affect how calls are sent."""
    value = getattr(config, name)
    return {k: v for k, v in value.items() if k != "client"} if name == "cat" else value
