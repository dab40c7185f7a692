"""vLLM's async engine in a loop of its own: started once, shared by equal providers, ended."""

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
    """A LoRA adapter: a name for the engine, and the directory that it is read from."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that runs: vLLM's `AsyncLLM`, and how its model reads a chat."""

    engine: Any
    chat: Chat
    adapter: Callable[[Adapter | None], Awaitable[Any]]

    @property
    def model_config(self) -> Any:
        """The model as vLLM sees it."""
        return self.engine.vllm_config.model_config

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together."""
        return int(self.model_config.max_model_len)


class HeldEngine:
    """One engine, which computes in a process of its own, and those who hold it.

    It starts when it is first wanted, and ends when the last holder lets go, or with this
    process. All that it has is touched in its own loop only.
    """

    def __init__(self, model: str, settings: Mapping[str, Any]) -> None:
        """`settings` are those of vLLM's `AsyncEngineArgs`; nothing is started."""
        self.model = model
        self.running: Running | None = None
        self._settings = dict(settings)
        self._loop = AsyncioThread("catsdk-vllm")
        self._holders = 0
        self._lora_ids = count(1)
        self._loras: dict[Adapter, Any] = {}

    async def hold(self) -> None:
        """Start it if it does not run; until `release` it will not end.

        Raises:
            ModelNotFoundError: there is no such model.
            ConfigurationError: vLLM cannot run it with these settings.
        """

        async def held(_: Tell) -> None:
            self._running()
            self._holders += 1

        await self._loop.run(held)

    async def release(self) -> None:
        """Let go; the last one ends the engine."""

        async def released(_: Tell) -> None:
            self._holders -= 1
            if self._holders == 0:
                self._end()

        with anyio.CancelScope(shield=True):
            await self._loop.run(released)

    async def run(
        self, work: Callable[[Running, Tell], Awaitable[T]], tell: Tell | None = None
    ) -> T:
        """Do `work` with the running engine, in its loop. Raises as `hold` and `work` do."""
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
            # Before its first request: one with an adapter that cannot be loaded ends the engine.
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
    """The engine of equal model and settings in this process."""
    key = json.dumps([model, sorted(settings.items())], default=repr)
    with _making:
        engine = _engines.get(key)
        if engine is None:
            engine = _engines[key] = HeldEngine(model, settings)
        return engine


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
