"""HostedModel: a model, such as an engine, that a Ray actor holds for all workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, cast

import anyio
from anyio import to_thread

from catsdk.batch.workers.job import ray_module
from catsdk.core.errors import CatError, ConfigurationError
from catsdk.core.model_strings import resolve
from catsdk.core.ports import Capabilities, OnText, Provider, capabilities_of, name_of
from catsdk.core.types import Completion, Request

__all__ = ["HostedModel", "hosted"]

NAMESPACE: Final = "catsdk"
Answered = tuple[list[Completion], CatError | None]


class Host:
    """The actor's side: opens a model and answers for it.

    Args:
        model: A model string.
    """

    def __init__(self, model: str) -> None:
        """Choose the model; nothing is loaded."""
        self._model = model
        self._provider: Provider | None = None
        self._opening: anyio.Lock | None = None
        self._exits = AsyncExitStack()

    async def about(self) -> tuple[str, Capabilities]:
        """Load the model: its name and what it can do."""
        provider = await self._opened()
        return name_of(provider), capabilities_of(provider)

    async def complete(self, request: Request) -> Answered:
        """Answer a request, or say why not: an error keeps its kind on the way as a value."""
        try:
            provider = await self._opened()
            return list(await provider.complete(request)), None
        except CatError as error:
            return [], error

    async def _opened(self) -> Provider:
        self._opening = self._opening or anyio.Lock()
        async with self._opening:
            if self._provider is None:
                provider = await to_thread.run_sync(resolve, self._model)
                if isinstance(provider, AbstractAsyncContextManager):
                    opened = cast("AbstractAsyncContextManager[object]", provider)
                    await self._exits.enter_async_context(opened)
                self._provider = provider
            return self._provider


@dataclass(eq=False)
class HostedModel:
    """A model that a named actor holds; made by `hosted`.

    It takes part as any other provider. Limits, retries and budget stay with those who ask. It may
    be pickled and written in a recipe: it is the actor's name.

    Args:
        actor: The actor's name on the cluster.
        name: The model's name.
        able: What the model can do.

    Example:
        >>> from catsdk.batch import HostedModel
        >>> HostedModel("anchor", "vllm-engine:Qwen/Qwen3-4B").endpoint
        'vllm-engine:Qwen/Qwen3-4B held by anchor'
    """

    actor: str
    name: str = ""
    able: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def endpoint(self) -> str:
        """What the limits of all workers are kept by."""
        return f"{self.name} held by {self.actor}"

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do, but for streaming."""
        able: dict[str, Any] = {**self.able, "streaming": False}
        return Capabilities(**able)

    def as_recipe(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"actor": self.actor, "name": self.name, "able": dict(self.able)}

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Have the actor answer.

        Args:
            request: What is asked.
            on_text: Receives the text of the first completion, as a whole.

        Returns:
            The completions, in order.

        Raises:
            ConfigurationError: there is no such actor any more.
            CatError: what the model's own provider raises.
        """
        ray = ray_module()
        try:
            host = ray.get_actor(self.actor, namespace=NAMESPACE)
            answer = host.complete.remote(request)
            completions, error = await _cancellable(ray, answer)
        except (ValueError, ray.exceptions.RayActorError) as gone:
            raise ConfigurationError(
                f"the actor {self.actor!r}, which holds {self.name}, has died: {gone}"
            ) from gone
        if error is not None:
            raise error
        if on_text is not None and completions:
            on_text(completions[0].text)
        return completions


def hosted(model: str, *, name: str | None = None, **options: Any) -> HostedModel:
    """Have an actor of the cluster hold a model, for workers without a GPU of their own.

    The model is loaded now, once, and stays until the driver ends. Where every worker has a GPU, a
    model string is enough: each worker then holds an engine of its own.

    Args:
        model: A model string, such as `vllm-engine:Qwen/Qwen3-4B`.
        name: The actor's name, by default one that the model gives. A job that is started again
            knows the answers of a model by it; an actor of that name which is there is taken.
        options: What the actor needs, such as `num_gpus=1` or `runtime_env`.

    Returns:
        The model, for any role of a method.

    Raises:
        ConfigurationError: the model cannot be loaded.
        MissingExtraError: Ray is not installed.

    Example:
        An engine is `hosted("vllm-engine:Qwen/Qwen3-32B", num_gpus=2)`::

            >>> import catsdk as cat
            >>> from catsdk.batch import hosted
            >>> anchor = hosted("openai:NAME", name="anchor")
            >>> cat.CaT("openai:NAME", estimator=cat.Synthesizer(anchor)).defaults.anchor.endpoint
            'openai:NAME held by anchor'
    """
    ray = ray_module()
    if not ray.is_initialized():
        ray.init()
    actor = name or f"host of {model}"
    settings = {"num_cpus": 0, "max_restarts": -1, "max_concurrency": 1000, **options}
    named = {"name": actor, "namespace": NAMESPACE, "get_if_exists": True}
    host = ray.remote(Host).options(**named, **settings).remote(model)
    try:
        told, able = ray.get(host.about.remote())
    except ray.exceptions.RayError as error:
        raise ConfigurationError(f"no actor could load {model!r}: {error}") from error
    made = HostedModel(actor, told, {each: getattr(able, each) for each in able.__slots__})
    _HELD[actor] = host
    return made


_HELD: Final = dict[str, Any]()
"""The actors that this process started: they live as long as it refers to them."""


async def _cancellable(ray: Any, answer: Any) -> Answered:
    """Wait for the answer; cancelling the wait cancels the work."""
    try:
        answered: Answered = await answer
    except anyio.get_cancelled_exc_class():
        ray.cancel(answer)
        raise
    return answered
