"""The usual wrappers around a provider, and its opening and closing."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from contextvars import ContextVar
from dataclasses import dataclass

from anyio import to_thread

from catsdk.core.errors import ConfigurationError, MissingExtraError
from catsdk.core.ports import Provider, name_of
from catsdk.core.registry import check_model, resolve
from catsdk.core.runtime import Runtime
from catsdk.core.settings import Settings
from catsdk.middleware.account import Account
from catsdk.middleware.adapt import Adapt
from catsdk.middleware.budget import Room, Spend, Wait
from catsdk.middleware.cache import Cache
from catsdk.middleware.deadline import Deadline
from catsdk.middleware.gate import Limits
from catsdk.middleware.gates import PerEndpoint, gate_of, identity_of
from catsdk.middleware.hedge import Extra, Hedge
from catsdk.middleware.limit import Limit
from catsdk.middleware.priced import Priced
from catsdk.middleware.prices import Rates, rates_of
from catsdk.middleware.record import Record
from catsdk.middleware.retry import Retry
from catsdk.middleware.stores import store_of
from catsdk.middleware.timeout import Timeout
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Stack", "opened", "paying", "stacked"]

_paying: ContextVar[tuple[Account | None, Runtime | None]] = ContextVar(
    "catsdk_paying", default=(None, None)
)

_extras: PerEndpoint[Extra] = PerEndpoint(lambda _: Extra())


@dataclass
class Stack(Wrapper):
    """A provider with all that `stacked` put around `inner`, and with what it was made."""

    inner: Provider
    runtime: Runtime
    account: Account | None


def stacked(
    provider: Provider, *, account: Account | None = None, runtime: Runtime | None = None
) -> Stack:
    """Wrap `provider`, in this order inwards.

    adapt, room, deadline, cache, retry, hedge, wait, limit, spend, record, price, timeout. So an
    answer that is kept costs neither a place nor money; a waiting retry holds no place; each copy
    and each try has a place, is paid and listed, and one that was refused is neither. What
    `runtime` does not set comes from the environment. A provider that is wrapped so already stays
    as it is, unless it is to be paid from another account.

    Raises:
        ConfigurationError: the account caps money, and the price of the model is not known.
    """
    if isinstance(provider, Stack):
        if account is None or provider.account is account:
            return provider
        return stacked(provider.inner, account=account, runtime=runtime or provider.runtime)
    runtime = Settings().runtime(runtime)
    rates = rates_of(provider, runtime.prices)
    sending = _sending(provider, runtime, account, rates)
    keeping = _keeping(provider, runtime, sending)
    whole: Provider = Deadline(keeping, runtime.call_deadline, account)
    if account is not None and account.budget.needs_room:
        whole = Room(whole, account.budget.answer_tokens)
    return Stack(Adapt(whole), provider, runtime, account)


def _sending(
    provider: Provider, runtime: Runtime, account: Account | None, rates: Rates | None
) -> Provider:
    """Everything that a request passes on its way out."""
    inner: Provider = Timeout(provider, runtime.timeout)
    if rates is not None:
        inner = Priced(inner, rates)
    inner = Record(_seen(inner, provider, runtime))
    if account is not None:
        inner = Spend(inner, account, _known(rates, provider, account))
    gate = gate_of(provider, _limits(runtime))
    inner = Limit(inner, gate)
    if account is not None:
        inner = Wait(inner, account, rates)
    if runtime.hedge:
        inner = Hedge(inner, gate, _extras.of(provider), runtime.hedge_share)
    return Retry(inner, runtime.max_retries, runtime.call_deadline, runtime.max_retry_after)


def _seen(inner: Provider, provider: Provider, runtime: Runtime) -> Provider:
    """Add spans and metrics where they are wanted: only then their package is loaded."""
    wanted = runtime.telemetry
    if wanted is None:
        wanted = "opentelemetry.sdk" in sys.modules
    if not wanted:
        return inner
    try:
        from catsdk.middleware.telemetry import Telemetry
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"telemetry needs the package {error.name!r}: pip install 'catsdk[telemetry]'"
        ) from error
    url = getattr(provider, "base_url", None)
    return Telemetry(inner, url if isinstance(url, str) else None, runtime.telemetry_content)


def _keeping(provider: Provider, runtime: Runtime, inner: Provider) -> Provider:
    store = store_of(runtime)
    if store is None:
        return inner
    return Cache(inner, identity_of(provider), store)


def _limits(runtime: Runtime) -> Limits:
    return Limits(
        max_in_flight=runtime.max_in_flight,
        adaptive=runtime.adaptive,
        requests_per_minute=runtime.requests_per_minute,
        tokens_per_minute=runtime.tokens_per_minute,
        max_retry_after=runtime.max_retry_after,
    )


def _known(rates: Rates | None, provider: Provider, account: Account) -> Rates | None:
    if rates is None and account.budget.usd is not None:
        name = name_of(provider)
        raise ConfigurationError(
            f"the price of {name} is not known, so a budget of money cannot be kept; give it:"
            f" Runtime(prices={{{name!r}: {{'input': ..., 'output': ...}}}}), in dollars for a"
            " million tokens, or CATSDK_PRICES as JSON"
        )
    return rates


@contextmanager
def paying(account: Account | None, runtime: Runtime | None) -> Generator[None]:
    """Let what is `opened` inside be paid from `account` and sent as `runtime` says."""
    token = _paying.set((account, runtime))
    try:
        yield
    finally:
        _paying.reset(token)


@asynccontextmanager
async def opened(
    model: str | Provider, *, account: Account | None = None, runtime: Runtime | None = None
) -> AsyncGenerator[Stack]:
    """Give the wrapped provider of `model`; one made here from a string is closed at the end.

    Account and runtime are those of the `paying` block around, unless they are given.

    Raises:
        InvalidInputError: `model` is neither a string nor a provider, or is empty.
        ConfigurationError: as `stacked`, and where the model cannot be made.
    """
    check_model(model)
    account, runtime = account or _paying.get()[0], runtime or _paying.get()[1]
    if isinstance(model, Stack) and (account is None or account is model.account):
        yield model
        return
    async with AsyncExitStack() as exits:
        # In a thread: it may import a vendor's packages and read prices, which takes seconds.
        provider = await to_thread.run_sync(resolve, model) if isinstance(model, str) else model
        if isinstance(model, str) and isinstance(provider, AbstractAsyncContextManager):
            await exits.enter_async_context(provider)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        yield await to_thread.run_sync(lambda: stacked(provider, account=account, runtime=runtime))
