"""The default chain around a scripted provider, with gates of its own unless some are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from catsdk.core.events import CallEnded, CallStarted
from catsdk.core.ports import Provider
from catsdk.core.sending import Sending
from catsdk.runtime.chain import Chain, Middleware, Opened, chained, default_middleware
from catsdk.runtime.limits.endpoints import Gates
from catsdk.runtime.spending.account import Account

__all__ = ["whole_chain"]


def whole_chain(
    provider: Provider,
    *accounts: Account,
    gates: Gates | None = None,
    middleware: Sequence[Middleware] | None = None,
    on_event: Callable[[CallStarted | CallEnded], None] | None = None,
    **settings: Any,
) -> Opened:
    """Put the layers around `provider`; `settings` are those of `Sending`, `accounts` pay."""
    layers = default_middleware() if middleware is None else middleware
    chain = Chain(Sending(**settings), gates or Gates(), accounts, layers, on_event)
    return chained(provider, chain)
