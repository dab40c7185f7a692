"""The chain of wrappers around a model: a visible default list that a client may replace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from catsdk.core.errors import ConfigurationError, InvalidInputError, MissingExtraError
from catsdk.core.events import CallEnded, CallStarted
from catsdk.core.installing import install_command
from catsdk.core.ports import Provider, declared, name_of
from catsdk.core.sending import Sending
from catsdk.runtime.limits.endpoints import Gates, identity_of
from catsdk.runtime.spending.account import Account
from catsdk.runtime.spending.prices import Rates, rates_of
from catsdk.runtime.stores.named import store_of
from catsdk.runtime.wrappers.adapt import Adapt
from catsdk.runtime.wrappers.budget import Room, Spend, Wait
from catsdk.runtime.wrappers.cache import Caching
from catsdk.runtime.wrappers.deadline import Deadline
from catsdk.runtime.wrappers.hedge import Hedging
from catsdk.runtime.wrappers.limit import Limit
from catsdk.runtime.wrappers.price import Priced
from catsdk.runtime.wrappers.record import Record
from catsdk.runtime.wrappers.retry import Retrying
from catsdk.runtime.wrappers.timeout import Timeout
from catsdk.runtime.wrappers.wrapper import Wrapper

if TYPE_CHECKING:
    from catsdk.runtime.batching.dispatch import Dispatch

__all__ = [
    "Chain",
    "Layer",
    "Middleware",
    "Opened",
    "chained",
    "default_middleware",
    "is_opened",
    "routed",
]


class Layer(Enum):
    """A layer of the default chain; the client's settings say how each works.

    `ADAPT` emulates what a model lacks or refuses it by name; `DEADLINE` ends a call with all its
    attempts; `CACHE` keeps answers and sends equal calls once; `RETRY` repeats transient failures;
    `HEDGE` sends a straggling call twice; `LIMIT` bounds calls in flight and per minute.

    Example:
        A client without retries::

            >>> from catsdk import Client, default_middleware
            >>> from catsdk.runtime import Layer
            >>> layers = [layer for layer in default_middleware() if layer is not Layer.RETRY]
            >>> Client(middleware=layers).middleware[-1]
            Layer.LIMIT
    """

    ADAPT = "adapt"
    DEADLINE = "deadline"
    CACHE = "cache"
    RETRY = "retry"
    HEDGE = "hedge"
    LIMIT = "limit"

    def __repr__(self) -> str:
        """The name, as it is written."""
        return f"Layer.{self.name}"


Middleware = Layer | Callable[[Provider], Provider]
"""A layer of the default chain, or a function (a class, too) that wraps a provider."""


def default_middleware() -> list[Middleware]:
    """The default chain, outermost first, to be extended or reordered.

    What comes first sees each call once, kept answers too; what comes last sees every attempt.
    Inside the whole list stand, and cannot be removed, the time limit of an attempt, prices, the
    record of each call and the budget: nothing is sent that is not counted.

    Returns:
        A new list.

    Example:
        >>> from catsdk import default_middleware
        >>> default_middleware()[0]
        Layer.ADAPT
    """
    return list(Layer)


@dataclass(frozen=True, slots=True)
class Chain:
    """What a chain is made with.

    Args:
        sending: The client's settings.
        gates: Where the calls of each endpoint and model meet.
        accounts: The budgets that pay for each call, all of them.
        middleware: The layers, outermost first.
        on_event: Hears of each call that begins and ends.
    """

    sending: Sending
    gates: Gates
    accounts: tuple[Account, ...]
    middleware: Sequence[Middleware]
    on_event: Callable[[CallStarted | CallEnded], None] | None = None


@dataclass
class Opened(Wrapper):
    """A model that was opened by a client: the whole chain around `bare`."""

    bare: Provider


def is_opened(provider: object) -> bool:
    """Whether a client has opened `provider`, whatever a context has put around it since."""
    while not isinstance(provider, Opened):
        provider = getattr(provider, "wrapped", None)
        if provider is None:
            return False
    return True


def chained(bare: Provider, chain: Chain) -> Opened:
    """Put the layers of `chain` around `bare`.

    Raises:
        ConfigurationError: an account caps money, and the price of the model is not known.
        InvalidInputError: a layer returned something that is not a provider.
        MissingExtraError: telemetry is asked for and its package is not installed.
    """
    rates = rates_of(bare, chain.sending.prices)
    provider = _counted(bare, chain, rates)
    if chain.accounts and Layer.LIMIT not in chain.middleware:
        provider = Wait(provider)
    return Opened(_roomy(_layered(provider, bare, chain, _LAYERS), chain), bare)


async def routed(live: Opened, chain: Chain, dispatch: Dispatch) -> Opened:
    """Put the batched form of a model beside its usual one.

    Batched calls have no place in flight, no deadline but the budget's, and no copies; they are
    paid by their queue, when their batch is bought.

    Args:
        live: The model, as `chained` made it.
        chain: What it was made with.
        dispatch: Has the queues.

    Raises:
        ConfigurationError: the file of batches cannot be used, or the provider lacks a setting.
    """
    # Imported here, so that clients without batching do not load SQLite.
    from catsdk.runtime.batching.batched import Batched, BatchRecord, Routed
    from catsdk.runtime.batching.payer import Payer

    bare, batching = live.bare, dispatch.batching
    rates = rates_of(bare, chain.sending.prices)
    payer = Payer(chain.accounts, rates)
    queue = await dispatch.queue(bare)
    batched: Provider | None = None
    if queue is not None:
        batched = Batched(bare, queue, payer)
        if rates is not None:
            batched = Priced(batched, rates)
        batched = BatchRecord(_traced(batched, bare, chain), chain.on_event)
        batched = _roomy(_layered(batched, bare, chain, _BATCH_LAYERS), chain)
    return Opened(Routed(live.wrapped, batched, frozenset(batching.stages)), bare)


def _layered(provider: Provider, bare: Provider, chain: Chain, layers: Layers) -> Provider:
    for layer in reversed(chain.middleware):
        provider = (
            layers[layer](provider, bare, chain)
            if isinstance(layer, Layer)
            else _wrapped(layer, provider)
        )
    return provider


def _roomy(provider: Provider, chain: Chain) -> Provider:
    rooms = [a.budget.answer_tokens for a in chain.accounts if a.budget.needs_room]
    return Room(provider, min(rooms)) if rooms else provider


def _counted(bare: Provider, chain: Chain, rates: Rates | None) -> Provider:
    """Add the wrappers that every model has: time limit, price, record and budget."""
    provider: Provider = Timeout(bare, chain.sending.timeouts.attempt)
    if rates is not None:
        provider = Priced(provider, rates)
    provider = Record(_traced(provider, bare, chain), chain.on_event)
    for account in chain.accounts:
        _check_price(rates, bare, account)
        provider = Spend(provider, account, rates)
    return provider


def _traced(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    """Add spans and metrics if they are enabled; their package is loaded only then."""
    telemetry = chain.sending.telemetry
    wanted = telemetry.enabled
    if wanted is None:
        wanted = "opentelemetry.sdk" in sys.modules
    if not wanted:
        return provider
    try:
        from catsdk.runtime.wrappers.trace import Tracing
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"telemetry needs the package {error.name!r}: {install_command('telemetry')}"
        ) from error
    url = declared(bare, "base_url")
    return Tracing(provider, url if isinstance(url, str) else None, telemetry.content)


def _check_price(rates: Rates | None, bare: Provider, account: Account) -> None:
    if rates is None and account.budget.usd is not None:
        name = name_of(bare)
        raise ConfigurationError(
            f"the price of {name} is not known, so a budget of money cannot be kept; give it:"
            f" Client(prices={{{name!r}: {{'input': ..., 'output': ...}}}}), in dollars for a"
            " million tokens, or CATSDK_PRICES as JSON"
        )


def _adapt(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    return Adapt(provider)


def _deadline(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    return Deadline(provider, chain.sending.timeouts.call, chain.accounts)


def _cache(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    cache = chain.sending.cache
    # Answers of a model in training are not cached, since the next step changes it.
    if cache is None or declared(bare, "moves", default=False):
        return provider
    return Caching(provider, identity_of(bare), store_of(cache))


def _retry(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    retry, within = chain.sending.retry, chain.sending.timeouts.call
    return Retrying(provider, retry.times, within, retry.max_retry_after)


def _hedge(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    hedge, sending = chain.sending.hedge, chain.sending
    if hedge is None:
        return provider
    gate = chain.gates.of(bare, sending.limits, sending.retry)
    return Hedging(provider, gate, chain.gates.extra_of(bare), hedge.share)


def _limit(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    limited = Limit(provider, chain.gates.of(bare, chain.sending.limits, chain.sending.retry))
    # The budget comes first, so that a call that waits for it takes no place in flight.
    return Wait(limited) if chain.accounts else limited


def _batch_deadline(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    return Deadline(provider, inf, chain.accounts) if chain.accounts else provider


def _batch_retry(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    retry = chain.sending.retry
    return Retrying(provider, retry.times, inf, retry.max_retry_after)


def _none(provider: Provider, bare: Provider, chain: Chain) -> Provider:
    return provider


Layers = Mapping[Layer, Callable[[Provider, Provider, Chain], Provider]]

_LAYERS: Layers = {
    Layer.ADAPT: _adapt,
    Layer.DEADLINE: _deadline,
    Layer.CACHE: _cache,
    Layer.RETRY: _retry,
    Layer.HEDGE: _hedge,
    Layer.LIMIT: _limit,
}
_BATCH_LAYERS: Layers = {
    **_LAYERS,
    Layer.DEADLINE: _batch_deadline,
    Layer.RETRY: _batch_retry,
    Layer.HEDGE: _none,
    Layer.LIMIT: _none,
}


def _wrapped(layer: Callable[[Provider], Provider], provider: Provider) -> Provider:
    wrapped = layer(provider)
    if not isinstance(wrapped, Provider):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the middleware {layer!r:.80} made {wrapped!r:.80} of a provider; give a function or"
            " a class that returns an object with an async method complete(request, on_text)"
        )
    return wrapped
