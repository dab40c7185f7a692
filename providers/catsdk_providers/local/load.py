"""Find a model's weights, load them once a process, and say what is wrong where that fails."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
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

from catsdk.core.errors import AuthenticationError, ConnectionFailedError, ModelNotFoundError
from catsdk_providers.box import BOX
from catsdk_providers.local.chat import Chat
from catsdk_providers.local.engine import Engine

__all__ = ["Source", "engine_for", "engine_of", "untrained_box"]

# An engine lives as long as a provider uses it; the latest ones stay, for the next provider.
_KEPT = 2
_ANSWER_S = 10.0


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
            # A copy: tokenizers are set up by their callers, which must not happen in mid-use.
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


def _load(source: Source) -> Engine:
    if Path(source.model).expanduser().is_dir():
        model, chat = _read(str(Path(source.model).expanduser()), source.device, here=True)
    elif _looks_local(source.model):
        raise ModelNotFoundError(
            f"there is no directory {source.model!r}; give a local directory with a model"
            " (config.json, weights, tokenizer) or a hub name such as 'Qwen/Qwen3-0.6B'",
            model=source.model,
        )
    else:
        model, chat = _read_from_hub(source)
    return Engine(model, chat, batch_tokens=source.batch_tokens, threads=source.threads)


def _looks_local(name: str) -> bool:
    return name.startswith((".", "~", "/")) or "\\" in name or name.count("/") > 1


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
            f"the hub gives {name!r} only to those it knows; accept its terms there and set"
            " HF_TOKEN",
            model=name,
        ) from error
    except (RepositoryNotFoundError, HFValidationError, OfflineModeIsEnabled) as error:
        raise _not_found(name, error) from error
    except Exception as error:  # the errors of the hub's HTTP library are none of its own
        raise ConnectionFailedError(
            f"{name!r} is no local directory, it was not downloaded before, and the hub cannot be"
            f" reached ({type(error).__name__}); give a local directory, or try again online",
            model=name,
        ) from error


def _read(name: str, device: str, *, here: bool) -> tuple[PreTrainedModel, Chat]:
    """Load model and tokenizer; `here` looks on this machine only."""
    dtype = torch.float32 if device == "cpu" else "auto"
    try:
        with _without_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=here)
            model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, local_files_only=here)
    except (OSError, ValueError, SafetensorError) as error:
        raise _not_found(name, error) from error
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
        f"no model could be loaded from {name!r} ({first}); give a local directory with a model"
        " (config.json, weights, tokenizer) or a hub name such as 'Qwen/Qwen3-0.6B'",
        model=name,
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
