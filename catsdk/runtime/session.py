"""The open models of a session: each opened once, and closed by the task that opened it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup, TaskStatus

from catsdk.core.errors import ConfigurationError
from catsdk.core.model_strings import check_model, resolve
from catsdk.core.ports import Provider
from catsdk.core.sending import Batching, Http

if TYPE_CHECKING:
    from catsdk.runtime.batching.dispatch import Dispatch

__all__ = ["Session", "session"]

# How long a service's connections may take to close, in seconds.
_CLOSING = 10.0


@dataclass(eq=False)
class Session:
    """Models by name, for one event loop; use `session` to make one.

    A provider that is given as an object passes through: who made it closes it.
    """

    _tasks: TaskGroup
    _http: Http
    _closing: anyio.Event = field(default_factory=anyio.Event)
    _models: dict[str, Provider] = field(default_factory=dict[str, Provider])
    _opening: dict[str, anyio.Lock] = field(default_factory=dict[str, anyio.Lock])
    _held: list[anyio.CancelScope] = field(default_factory=list[anyio.CancelScope])
    _empty: anyio.Event = field(default_factory=anyio.Event)
    chains: dict[Hashable, Provider] = field(default_factory=dict[Hashable, Provider])
    """The chains that were made around models, by what they were made with."""
    dispatch: Dispatch | None = None
    """What sends batched calls, once there are any."""

    def batches(self, batching: Batching) -> Dispatch:
        """Give what sends batched calls.

        Args:
            batching: The settings of the client, which are those of the session.
        """
        if self.dispatch is None:
            # Imported here, so that clients without batching do not load SQLite.
            from catsdk.runtime.batching.dispatch import Dispatch

            self.dispatch = Dispatch(self._tasks, batching)
        return self.dispatch

    async def model(self, model: str | Provider, *, cheap_only: bool = False) -> Provider:
        """Give the provider of `model`; one that a string names is opened once.

        Args:
            model: A model string or a provider.
            cheap_only: Whether to refuse models that are loaded into this process.

        Raises:
            InvalidInputError: `model` is neither a string nor a provider, or is empty.
            ConfigurationError: the model cannot be made, or `cheap_only` refuses it.
        """
        check_model(model)
        if not isinstance(model, str):
            return model
        if model in self._models:
            return self._models[model]
        async with self._opening.setdefault(model, anyio.Lock()):
            if model not in self._models:
                # In a thread, since importing a vendor's packages may take seconds.
                provider = await to_thread.run_sync(resolve, model, self._http)
                if cheap_only and getattr(provider, "loads_here", False) is True:
                    raise ConfigurationError(
                        f"{model!r} is loaded into this process, which takes too long for one call;"
                        " open it once: async with CaT(...) as c: ..."
                    )
                await self._tasks.start(self._hold, provider)
                self._models[model] = provider
            return self._models[model]

    async def _hold(self, provider: Provider, *, task_status: TaskStatus[None]) -> None:
        """Open `provider`, and close it in the same task when the session ends, as some require."""
        if not isinstance(provider, AbstractAsyncContextManager):
            task_status.started()
            return
        with anyio.CancelScope() as scope:
            async with cast("AbstractAsyncContextManager[object]", provider):  # pyright: ignore[reportUnknownArgumentType]
                # From here on only the end of the session closes it, so it is closed completely.
                scope.shield = True
                self._held.append(scope)
                task_status.started()
                await self._closing.wait()
        self._held.remove(scope)
        if not self._held:
            self._empty.set()

    async def close(self) -> None:
        """Close every model; those that take too long are cut off."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(_CLOSING):
            if self.dispatch is not None:
                await self.dispatch.close()
        self._closing.set()
        with anyio.CancelScope(shield=True), anyio.move_on_after(_CLOSING):
            if self._held:
                await self._empty.wait()
        for scope in self._held:
            scope.shield = False
        self._tasks.cancel_scope.cancel()


@asynccontextmanager
async def session(http: Http = Http()) -> AsyncGenerator[Session]:
    """Open a session; at the end its models are closed, also where the block was cancelled.

    Args:
        http: How the models connect to their services.
    """
    tasks = anyio.create_task_group()
    await tasks.__aenter__()
    opened = Session(tasks, http)
    try:
        yield opened
    finally:
        await opened.close()
        # Do not pass on the block's own error: a task group would wrap it in an exception group.
        await tasks.__aexit__(None, None, None)
