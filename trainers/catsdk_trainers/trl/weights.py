"""The initial weights of a training: from a folder, the hub, the box, or a GGUF file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from transformers import AutoConfig

from catsdk.core.errors import ModelNotFoundError
from catsdk_providers.box import BOX
from catsdk_providers.local.load import gguf_in, read_weights
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.ranks import join_ranks, on_first_rank

__all__ = ["initial_weights"]

_FOLDER = "initial"
_SOURCE = "catsdk-source.json"


def initial_weights(config: CaTConfig) -> str:
    """The folder, or the name on the hub, of the initial weights of a training.

    `model` may also be a model string: `local` is the model in the box, and `local:PATH` the model
    at a path. A GGUF file is first converted to trainable weights in the output folder.

    Args:
        config: The settings of the training.

    Raises:
        ModelNotFoundError: there is no such model, as far as can be checked now.
    """
    provider, _, place = config.model.partition(":")
    if provider != "local":
        place = config.model
    place = place or str(BOX)
    file = gguf_in(place)
    if file is not None:
        join_ranks()
        return on_first_rank(lambda: str(_converted(file, Path(config.output) / _FOLDER)))
    _check(place)
    return place


def _converted(file: Path, folder: Path) -> Path:
    """The folder with the converted weights of `file`, reused if an earlier start made it."""
    told = file.stat()
    source = {"file": str(file.resolve()), "bytes": told.st_size, "changed": told.st_mtime_ns}
    mark = folder / _SOURCE
    if mark.exists() and json.loads(mark.read_text("utf-8")) == source:
        return folder
    # Training in a smaller type would lose small updates.
    model, tokenizer = read_weights(file, torch.float32)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # Written last, so that an unfinished folder is written again.
    mark.write_text(json.dumps(source), "utf-8")
    return folder


def _check(place: str) -> None:
    try:
        AutoConfig.from_pretrained(place)
    except (OSError, ValueError) as error:
        # For a missing path, transformers only says that it is not a name on the hub.
        missing = place.startswith(("/", ".", "~")) and not Path(place).exists()
        told = "there is no such folder" if missing else str(error).strip().partition("\n")[0]
        raise ModelNotFoundError(
            f"the model {place!r} cannot be loaded ({told}); give a folder with a model, a GGUF"
            " file, `local` for the model in the box, or a name on the hub that can be reached",
            model=place,
        ) from error
