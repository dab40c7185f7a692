"""vLLM's async engine in its own event loop, shared by providers with equal settings."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any, NamedTuple, TypeVar

import anyio
from huggingface_hub.errors import HFValidationError

from catsdk.core.errors import ConfigurationError, InvalidInputError, ModelNotFoundError
from catsdk_providers.http.asyncio_thread import AsyncioThread
from catsdk_providers.local.chat import Chat

__all__ = ["Adapter", "HeldEngine", "Running", "engine_for"]

T = TypeVar("T")
Tell = Callable[[str], None]


class Adapter(NamedTuple):
    """A LoRA adapter: its name in the engine and the directory it is read from."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Running:
    """A running engine: vLLM's `AsyncLLM` and the chat format of its model."""

    engine: Any
    chat: Chat
    adapter: Callable[[Adapter | None], Awaitable[Any]]

    @property
    def model_config(self) -> Any:
        """The model as vLLM sees it."""
        return self.engine.vllm_config.model_config

    @property
    def context_length(self) -> int:
        """The most tokens that prompt and answer may have together."""
        return int(self.model_config.max_model_len)


class HeldEngine:
    """One engine, which computes in a process of its own, and the number of its holders.

    It starts on first use, and stops when the last holder releases it or this process ends. Its
    state is used only in its own event loop.
    """

    def __init__(self, model: str, settings: Mapping[str, Any]) -> None:
        """Take settings of vLLM's `AsyncEngineArgs`; nothing is started yet."""
        self.model = model
        self.running: Running | None = None
        self._settings = dict(settings)
        self._loop = AsyncioThread("catsdk-vllm")
        self._holders = 0
        self._lora_ids = count(1)
        self._loras: dict[Adapter, Any] = {}

    async def hold(self) -> None:
        """Start the engine if it is not running, and keep it running until `release`.

        Raises:
            ModelNotFoundError: there is no such model.
            ConfigurationError: vLLM cannot run it with these settings.
        """

        async def held(_: Tell) -> None:
            self._running()
            self._holders += 1

        await self._loop.run(held)

    async def release(self) -> None:
        """Release the engine; the last holder stops it."""

        async def released(_: Tell) -> None:
            self._holders -= 1
            if self._holders == 0:
                self._end()

        with anyio.CancelScope(shield=True):
            await self._loop.run(released)

    async def run(
        self, work: Callable[[Running, Tell], Awaitable[T]], tell: Tell | None = None
    ) -> T:
        """Run `work` with the engine, in its event loop. Raises what `hold` and `work` raise."""
        return await self._loop.run(lambda there: work(self._running(), there), tell)

    def _running(self) -> Running:
        if self.running is not None and self.running.engine.errored:
            self._end()
        if self.running is None:
            self.running = self._start()
        return self.running

    def _start(self) -> Running:
        arguments = import_module("vllm.engine.arg_utils").AsyncEngineArgs
        engines = import_module("vllm.v1.engine.async_llm").AsyncLLM
        wanted = {"disable_log_stats": True, **self._settings}
        unknown = sorted(wanted.keys() - inspect.signature(arguments).parameters.keys())
        if unknown:
            raise InvalidInputError(
                f"vLLM's engine has no settings {', '.join(unknown)}; see its AsyncEngineArgs"
            )
        try:
            engine = engines.from_engine_args(arguments(model=self.model, **wanted))
        except (OSError, HFValidationError) as error:
            raise ModelNotFoundError(
                f"no model could be loaded from {self.model!r} ({_first_line(error)}); give a"
                " local directory with a model or a name on the hub",
                model=self.model,
            ) from error
        except Exception as error:
            raise ConfigurationError(
                f"vLLM's engine did not start with {self.model!r}:"
                f" {type(error).__name__}: {_first_line(error)}"
            ) from error
        return Running(engine, Chat(engine.get_tokenizer(), ()), self._lora_request)

    async def _lora_request(self, adapter: Adapter | None) -> Any:
        if adapter is None or self.running is None:
            return None
        known = self._loras.get(adapter)
        if known is not None:
            return known
        make = import_module("vllm.lora.request").LoRARequest
        request = make(adapter.name, next(self._lora_ids), adapter.path)
        try:
            # Load it before its first request, which would stop the engine if loading failed.
            await self.running.engine.add_lora(request)
        except Exception as error:
            raise ModelNotFoundError(
                f"no LoRA adapter could be loaded from {adapter.path!r} ({_first_line(error)});"
                " give a directory with adapter_config.json and its weights",
                model=adapter.name,
            ) from error
        self._loras[adapter] = request
        return request

    def _end(self) -> None:
        running, self.running = self.running, None
        self._loras.clear()
        if running is not None:
            running.engine.shutdown()


_engines: dict[str, HeldEngine] = {}
_making = threading.Lock()


def engine_for(model: str, settings: Mapping[str, Any]) -> HeldEngine:
    """Return this process's engine for the model and settings; it is created if missing."""
    key = json.dumps([model, sorted(settings.items())], default=repr)
    with _making:
        engine = _engines.get(key)
        if engine is None:
            engine = _engines[key] = HeldEngine(model, settings)
        return engine


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
