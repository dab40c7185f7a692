"""The usual wrappers around a provider, and its opening and closing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from anyio import to_thread

from catsdk.core.ports import Provider
from catsdk.core.registry import resolve
from catsdk.core.settings import Settings
from catsdk.middleware.adapt import Adapt
from catsdk.middleware.budget import Account, Spend
from catsdk.middleware.limit import Limit
from catsdk.middleware.record import Record
from catsdk.middleware.retry import Retry
from catsdk.middleware.timeout import Timeout
from catsdk.middleware.wrapper import Wrapper

__all__ = ["opened", "stacked"]


def stacked(
    provider: Provider, *, account: Account | None = None, max_in_flight: int | None = None
) -> Provider:
    """Wrap `provider` with retry, limit, budget, record and timeout, in that order inwards.

    So a waiting retry holds no slot, each try is paid and listed, and a refused one is neither.
    A provider that is wrapped already stays as it is.
    """
    if isinstance(provider, Wrapper):
        return provider
    settings = Settings()
    inner: Provider = Record(Timeout(provider, settings.timeout))
    if account is not None:
        inner = Spend(inner, account)
    return Adapt(Retry(Limit(inner, max_in_flight or settings.max_in_flight), settings.max_retries))


@asynccontextmanager
async def opened(
    model: str | Provider, *, account: Account | None = None
) -> AsyncGenerator[Provider]:
    """Give the wrapped provider of `model`; one made here from a string is closed at the end."""
    async with AsyncExitStack() as exits:
        # In a thread: it may import a vendor's packages, which takes seconds.
        provider = await to_thread.run_sync(resolve, model) if isinstance(model, str) else model
        if isinstance(model, str) and isinstance(provider, AbstractAsyncContextManager):
            await exits.enter_async_context(provider)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        yield stacked(provider, account=account)
