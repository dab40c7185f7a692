"""VLLMEngineProvider: vLLM's async engine in this process, for a model directory or hub name."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import anyio

from catsdk.core.errors import InvalidInputError
from catsdk.core.model_strings import check_installed
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Message, Request
from catsdk_providers.http.refusals import late
from catsdk_providers.vllm.answer import answered, scored
from catsdk_providers.vllm.held import Adapter, Running, engine_for
from catsdk_providers.vllm.settings import check_text, refuse_what_is_ignored

__all__ = ["VLLMEngineProvider"]


class VLLMEngineProvider:
    """A model that vLLM runs for this process, without a server.

    The engine starts on first use or in `async with`, which takes a minute or more. It runs in a
    process of its own, so a script needs `if __name__ == "__main__":`. Providers with the same
    model and settings share it; it stops when their last `async with` block or this process ends.
    Requests may come from any number of event loops, on asyncio or trio.

    As in the local provider, the prompt is rendered here, so control tokens spelled out in a
    message stay text. Row i of a request with seed s equals a request with seed s + i.
    Log-probabilities are the model's own; at a stop text, they include tokens that reach past it.
    `Request.extra` takes those of vLLM's `SamplingParams` that a request has no field for (`min_p`,
    ...), `structured_outputs`, `chat_template_kwargs` and `cache_salt`; other names raise an error.

    Args:
        model: A directory or a name on the hub.
        adapter: The directory of a LoRA adapter; the engine needs `enable_lora=True`.
        timeout: Seconds that a call may take; `None` leaves the limit to the caller. The first
            call includes starting the engine.
        prompts: The prompt set that the model understands best.
        engine: Settings for vLLM's `AsyncEngineArgs`, such as `max_model_len`.

    Raises:
        InvalidInputError: no model is given, or an adapter is given without `enable_lora`.
        MissingExtraError: vLLM is not installed.

    Example:
        >>> from catsdk.providers import VLLMEngineProvider
        >>> VLLMEngineProvider("Qwen/Qwen3-4B", max_model_len=8192).capabilities.logprobs
        True
    """

    # The engine takes a minute to start, so a run asks for an open CaT.
    loads_here = True

    def __init__(
        self,
        model: str | None,
        *,
        adapter: str | Path | None = None,
        timeout: float | None = None,
        prompts: str = "english",
        **engine: Any,
    ) -> None:
        """Set the model; nothing is loaded yet."""
        if not model:
            raise InvalidInputError(
                "vllm-engine needs a model, such as 'vllm-engine:Qwen/Qwen3-4B' or a directory"
            )
        check_installed("vllm", f"vllm-engine:{model}")
        if adapter is not None and not engine.get("enable_lora"):
            raise InvalidInputError(
                f"adapter is {str(adapter)!r}, but the engine loads none; add enable_lora=True"
            )
        self.model = model
        self.name = f"vllm-engine:{model}" + (f" with {Path(adapter).name}" if adapter else "")
        self._adapter = Adapter(Path(adapter).name, str(adapter)) if adapter else None
        self._timeout = timeout
        self._prompts = prompts
        self._settings = engine
        self._held = engine_for(model, engine)

    def with_adapter(self, path: str | Path) -> VLLMEngineProvider:
        """Return a provider that uses a LoRA adapter on the same engine.

        Args:
            path: The adapter's folder.

        Raises:
            InvalidInputError: the engine was not made with `enable_lora=True`.
        """
        return VLLMEngineProvider(
            self.model,
            adapter=path,
            timeout=self._timeout,
            prompts=self._prompts,
            **self._settings,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What vLLM supports; the context length is known once the engine runs."""
        running = self._held.running
        return Capabilities(
            n=True,
            logprobs=True,
            seed=True,
            json_schema=True,
            system=running is None or running.chat.takes_system,
            streaming=True,
            context_length=None if running is None else running.context_length,
            prompts=self._prompts,
        )

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request` with `request.n` completions, in order.

        `on_text` gets the first completion, streamed if n = 1. Cancelling aborts the request in the
        engine.

        Raises:
            InvalidInputError: a setting is out of range, or two settings constrain the answer.
            ModelNotFoundError: there is no such model (first use only).
            ConfigurationError: the engine does not start (first use only).
            ProviderError: the engine refused the request, or failed.
            UnsupportedError: `extra` has a setting that the engine does not know, several answers
                are requested at temperature 0, or a message holds an image.
        """
        refuse_what_is_ignored(request, self.name)
        streaming = on_text is not None and request.n == 1

        async def work(running: Running, tell: OnText) -> list[Completion]:
            return await answered(
                running,
                tell if streaming else None,
                request=request,
                adapter=self._adapter,
                name=self.name,
            )

        with self._in_time():
            completions = await self._held.run(work, on_text)
        if on_text is not None and not streaming:
            on_text(completions[0].text)
        return completions

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """Return `text` as the answer to `messages`, with each token's log-probability.

        One extra token is generated and dropped.

        Raises:
            InvalidInputError: `text` is empty.
            ProviderError: the engine failed, or the prompt and `text` do not fit into the context.
        """
        check_text(text)
        work = partial(scored, messages=messages, text=text, adapter=self._adapter, name=self.name)
        with self._in_time():
            return await self._held.run(work)

    @contextmanager
    def _in_time(self) -> Generator[None]:
        try:
            with anyio.fail_after(self._timeout):
                yield
        except TimeoutError:
            advice = ", or start the engine beforehand with async with"
            raise late(self.name, self._timeout, advice) from None

    async def __aenter__(self) -> Self:
        """Start the engine, or share the one that is running."""
        await self._held.hold()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release the engine; the last holder stops it."""
        await self._held.release()
