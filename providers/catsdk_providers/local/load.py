"""Finds a model's weights and loads them once per process, with errors that say what is wrong."""

from __future__ import annotations

import logging as logs
import os
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from catsdk.core.errors import (
    AuthenticationError,
    ConnectionFailedError,
    MissingExtraError,
    ModelNotFoundError,
)
from catsdk.core.installing import install_command
from catsdk_providers.box import BOX
from catsdk_providers.local.chat import Chat
from catsdk_providers.local.engine import Engine

__all__ = ["Source", "engine_for", "engine_of", "gguf_in", "read_weights", "untrained_box"]

_log = logs.getLogger("catsdk")

# An engine lives as long as a provider uses it; the latest ones stay, for the next provider.
_KEPT = 2
_ANSWER_S = 10.0
_MODELS = (
    "give a local directory with a model (config.json, weights, tokenizer), a GGUF file or a hub"
    " name such as 'Qwen/Qwen3-0.6B'"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Which weights, where they run and how: the same source is the same engine."""

    model: str
    device: str
    batch_tokens: int
    threads: int | None


_loaded: WeakValueDictionary[Source, Engine] = WeakValueDictionary()
_in_memory: WeakValueDictionary[int, Engine] = WeakValueDictionary()
_latest: deque[Engine] = deque(maxlen=_KEPT)
_loading = threading.Lock()


def engine_for(source: Source) -> Engine:
    """The engine of `source`, from a process-wide cache. Blocks while it loads.

    Raises:
        ModelNotFoundError: it is neither a directory with a model nor a name on the hub.
        AuthenticationError: the hub wants a key for it.
        ConnectionFailedError: it is not on this machine, and the hub cannot be reached.
    """
    with _loading:
        engine = _loaded.get(source)
        if engine is None:
            engine = _loaded[source] = _load(source)
        if engine not in _latest:
            _latest.append(engine)
        return engine


def engine_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_tokens: int,
    threads: int | None,
) -> Engine:
    """The one engine of a model that is in memory already."""
    with _loading:
        engine = _in_memory.get(id(model))
        if engine is None:
            # A copy, because callers configure tokenizers, which is unsafe while one is in use.
            chat = Chat(deepcopy(tokenizer), _end_ids(model))
            engine = Engine(model, chat, batch_tokens=batch_tokens, threads=threads)
            _in_memory[id(model)] = engine
        return engine


def untrained_box(seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model in the box with random weights, and its tokenizer: a control."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(BOX))  # type: ignore[no-untyped-call]
    return model, AutoTokenizer.from_pretrained(BOX)


def gguf_in(name: str) -> Path | None:
    """The GGUF file that `name` is, or is a folder of, where the folder holds no other model."""
    path = Path(name).expanduser()
    if path.is_dir() and not (path / "config.json").exists():
        found = sorted(path.glob("*.gguf"))
        return found[0] if len(found) == 1 else None
    return path if path.suffix == ".gguf" and path.is_file() else None


def read_weights(file: Path, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model and its tokenizer from a GGUF file, as plain weights that can be trained and saved.

    It takes a minute for 100 MB: the weights are no longer quantized then.

    Args:
        file: The file.
        dtype: The type of the weights.

    Raises:
        MissingExtraError: the package gguf is not installed.
        ModelNotFoundError: it is damaged, or of a kind that transformers does not read.
    """
    if find_spec("gguf") is None:
        raise MissingExtraError(
            f"{str(file)!r} is read with the package 'gguf': {install_command('gguf')}"
        )
    place: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
    try:
        with _without_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(file.parent, **place)
            read = AutoModelForCausalLM.from_pretrained(file.parent, dtype=dtype, **place)
    except Exception as error:  # readers of a damaged file may raise any error
        raise _not_found(str(file), error) from error
    # As it was read it says that it is quantized, and can be neither trained nor saved.
    config: Any = deepcopy(read.config)
    del config.quantization_config
    plain = type(read).from_pretrained(
        None, config=config, state_dict=read.state_dict(), dtype=dtype
    )
    plain.generation_config = read.generation_config
    return plain, tokenizer


def _load(source: Source) -> Engine:
    file = gguf_in(source.model)
    if file is not None:
        dtype = torch.float32 if source.device == "cpu" else torch.bfloat16
        model, chat = _ready(*read_weights(file, dtype), source.device)
    elif Path(source.model).expanduser().is_dir():
        model, chat = _read(str(Path(source.model).expanduser()), source.device, here=True)
    elif _looks_local(source.model):
        raise ModelNotFoundError(
            f"there is no directory {source.model!r}; {_MODELS}", model=source.model
        )
    else:
        model, chat = _read_from_hub(source)
    if not chat.has_template:
        _log.warning(
            "%s has no chat template: it gets each message as a paragraph 'Role: text', which a"
            " model that was taught no chat may not answer well",
            source.model,
        )
    return Engine(model, chat, batch_tokens=source.batch_tokens, threads=source.threads)


def _looks_local(name: str) -> bool:
    return (
        name.startswith((".", "~", "/"))
        or name.endswith(".gguf")
        or "\\" in name
        or name.count("/") > 1
    )


def _read_from_hub(source: Source) -> tuple[PreTrainedModel, Chat]:
    try:
        return _read(source.model, source.device, here=True)
    except ModelNotFoundError:
        _check_hub(source.model)
    return _read(source.model, source.device, here=False)


def _check_hub(name: str) -> None:
    """Ask the hub about `name` in one request, without retries."""
    try:
        HfApi().model_info(name, timeout=_ANSWER_S)
    except GatedRepoError as error:
        raise AuthenticationError(
            f"access to {name!r} on the hub is restricted; accept its terms there and set HF_TOKEN",
            model=name,
        ) from error
    except (RepositoryNotFoundError, HFValidationError, OfflineModeIsEnabled) as error:
        raise _not_found(name, error) from error
    except Exception as error:  # errors of the hub's HTTP library are not mapped to its own
        raise ConnectionFailedError(
            f"{name!r} is not a local directory, was not downloaded before, and the hub cannot be"
            f" reached ({type(error).__name__}); give a local directory, or try again online",
            model=name,
        ) from error


def _read(name: str, device: str, *, here: bool) -> tuple[PreTrainedModel, Chat]:
    """Load model and tokenizer; with `here`, only from this machine."""
    dtype = torch.float32 if device == "cpu" else "auto"
    try:
        with _without_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=here)
            model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, local_files_only=here)
    except (OSError, ValueError, SafetensorError) as error:
        raise _not_found(name, error) from error
    return _ready(model, tokenizer, device)


def _ready(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, device: str
) -> tuple[PreTrainedModel, Chat]:
    torch.nn.Module.to(model, device).eval().requires_grad_(False)  # type: ignore[no-untyped-call]
    return model, Chat(tokenizer, _end_ids(model))


def _end_ids(model: PreTrainedModel) -> list[int]:
    """The tokens that end an answer, as the model's generation settings have them."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    if ends is None:
        ends = model.config.get_text_config().eos_token_id
    return list(ends) if isinstance(ends, list | tuple) else [] if ends is None else [ends]


def _not_found(name: str, error: Exception) -> ModelNotFoundError:
    first = str(error).strip().split(os.linesep, maxsplit=1)[0]
    return ModelNotFoundError(
        f"no model could be loaded from {name!r} ({first}); {_MODELS}", model=name
    )


@contextmanager
def _without_progress_bars() -> Generator[None]:
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
