"""Client: all settings for sending calls, shared by roles and methods."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from typing import Any, Self

from anyio import to_thread
from anyio.lowlevel import current_token

from catsdk.answers.extract import load_rules
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import Event
from catsdk.core.inputs import check_kind, check_many
from catsdk.core.ports import Provider, declared
from catsdk.core.sending import (
    Batching,
    Budget,
    Cache,
    Hedge,
    Http,
    Limits,
    Price,
    Retry,
    Sending,
    Telemetry,
    Timeouts,
)
from catsdk.core.settings import Settings
from catsdk.core.types import Verdict
from catsdk.recipes import from_data, to_data, written
from catsdk.runtime.chain import (
    Chain,
    Layer,
    Middleware,
    Opened,
    chained,
    default_middleware,
    is_opened,
    routed,
)
from catsdk.runtime.life import Life
from catsdk.runtime.limits.endpoints import SHARED, Gates
from catsdk.runtime.limits.gate import Gate
from catsdk.runtime.prefixes import Warming
from catsdk.runtime.session import Session, session
from catsdk.runtime.spending.account import Account
from catsdk.runtime.stores.memo import Once

__all__ = ["Client", "VerdictMemory"]


class VerdictMemory:
    """The verdicts that were given before, so that judges ask for equal ones once."""

    def __init__(self) -> None:
        """Begin with none."""
        self.single: Once[Verdict] = Once()
        self.batches: Once[dict[str, Verdict]] = Once(0)
        self.warming = Warming()


class Client:
    """How calls are sent: what opens models and puts limits, retries, budget and cache around them.

    What is not given comes from the environment (`CATSDK_LIMITS__IN_FLIGHT` and so on), else from
    the defaults of each value. A client is new, then open (inside `async with`, which may be
    nested), then closed: after the last exit every use raises. Enter it to share open models
    between several `CaT`s; a `CaT` that is given a client which is not open opens its models for
    itself. Budget, limits and cache are those of the client in either case. It can be pickled: the
    copy has the same settings, with nothing spent.

    Args:
        budget: Caps on what all calls together may use.
        batch: Which calls go through the provider's batch API, at half the price, and how; `True`
            takes the defaults.
        limits: Calls at once and per minute, for each endpoint and model.
        retry: How transient failures are retried.
        hedge: Whether a straggling call is sent twice; `True` takes the defaults.
        cache: Where answers are kept: `"memory"`, a path, or a `Cache`; `None` keeps none.
        timeouts: Seconds for an attempt and for a whole call.
        http: Proxy and trusted certificates of the models that strings name; a provider that is
            given as an object has its own.
        telemetry: OpenTelemetry; by default on where its SDK is loaded.
        prices: US dollars for a million tokens, by the model's name, before the known prices.
        middleware: The chain of wrappers, outermost first; by default `default_middleware()`.
        on_event: Hears of each call, and of each step of the method, in the event loop; it must
            return soon.

    Raises:
        InvalidInputError: a setting is of the wrong kind or out of its range.
        ConfigurationError: a variable of the environment holds a wrong value.

    Example:
        >>> from catsdk import Budget, Client
        >>> Client(budget=Budget(usd=2), hedge=True).sending.hedge
        Hedge()
    """

    def __init__(
        self,
        *,
        budget: Budget | None = None,
        batch: Batching | bool | None = None,
        limits: Limits | None = None,
        retry: Retry | None = None,
        hedge: Hedge | bool | None = None,
        cache: Cache | str | None = None,
        timeouts: Timeouts | None = None,
        http: Http | None = None,
        telemetry: Telemetry | bool | None = None,
        prices: Mapping[str, Price | Mapping[str, float]] | None = None,
        middleware: Sequence[Middleware] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """Choose how calls are sent; nothing is opened or sent."""
        check_kind("budget", budget, (Budget, Mapping), "a Budget such as Budget(requests=100)")
        check_kind("batch", batch, (Batching, bool, Mapping), "True, or Batching(deadline=3600)")
        check_kind("limits", limits, (Limits, Mapping), "Limits such as Limits(in_flight=16)")
        check_kind("retry", retry, (Retry, Mapping), "a Retry such as Retry(times=8)")
        check_kind("timeouts", timeouts, (Timeouts, Mapping), "Timeouts such as Timeouts(call=60)")
        check_kind("http", http, (Http, Mapping), "Http such as Http(ca='own.pem')")
        if middleware is not None:
            check_many("middleware", middleware, "give a list such as [*default_middleware()]")
        if on_event is not None and not callable(on_event):
            raise InvalidInputError(f"on_event is {on_event!r:.80}; give a function of an event")
        self.middleware = tuple(default_middleware() if middleware is None else middleware)
        for layer in self.middleware:
            if not (isinstance(layer, Layer) or callable(layer)):
                raise InvalidInputError(
                    f"middleware holds {layer!r:.80}; give layers of default_middleware(), or"
                    " functions that wrap a provider"
                )
        self.sending: Sending = Settings().sending(
            {
                "budget": budget,
                "batch": batch,
                "limits": limits,
                "retry": retry,
                "hedge": hedge,
                "cache": cache,
                "timeouts": timeouts,
                "http": http,
                "telemetry": telemetry,
                "prices": prices,
            }
        )
        self.on_event = on_event
        self._begin(Gates())

    def _begin(self, gates: Gates) -> None:
        budget = self.sending.budget
        self.account = None if budget is None else Account(budget)
        """What is spent of the budget; `None` without one."""
        self.verdicts = VerdictMemory()
        self._gates = gates
        self._session: Session | None = None
        self._loop: object = None
        self._life = Life("Client")

    def held_elsewhere(self, gates: Gates, account: Account | None) -> None:
        """Keep limits and budget with others: one of several processes of a job, before it is open.

        Args:
            gates: Where the calls of each endpoint and model meet.
            account: What pays for each call; `None` if nothing is capped.
        """
        self._gates, self.account = gates, account

    @classmethod
    def unnamed(cls, **settings: Any) -> Self:
        """Return a client for somebody who named none: such clients share one set of limits.

        Args:
            settings: As for the class.
        """
        client = cls(**settings)
        client._gates = SHARED
        return client

    @property
    def named(self) -> bool:
        """Whether a program made this client, so that its limits are its own."""
        return self._gates is not SHARED

    def __repr__(self) -> str:
        """The settings that differ from the defaults."""
        return written(self.sending).replace("Sending", "Client", 1)

    @property
    def own_middleware(self) -> tuple[Middleware, ...]:
        """The layers that are not of the default chain."""
        return tuple(layer for layer in self.middleware if not isinstance(layer, Layer))

    def to_data(self) -> dict[str, Any]:
        """Return the settings as data, without what is at its default.

        Raises:
            InvalidInputError: a wrapper of the middleware cannot be imported by its name.
        """
        data = self.sending.model_dump(mode="json", exclude_defaults=True)
        if self.middleware != tuple(default_middleware()):
            data["middleware"] = [to_data(layer) for layer in self.middleware]
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return the client that `data` describes.

        Args:
            data: What `to_data` gives; sections are mappings, such as `{limits: {in_flight: 8}}`.

        Raises:
            InvalidInputError: a setting is unknown or out of its range.
        """
        known = {*Sending.model_fields, "middleware"}
        unknown = [name for name in data if name not in known]
        if unknown:
            raise InvalidInputError(
                f"a client has no setting {unknown[0]!r}; there are {', '.join(sorted(known))}"
            )
        settings = dict(data)
        layers = settings.pop("middleware", None)
        if layers is not None:
            settings["middleware"] = [_layer(each) for each in layers]
        return cls(**settings)

    def __getstate__(self) -> dict[str, Any]:
        """The settings, without open models and spending."""
        return {
            "sending": self.sending,
            "middleware": self.middleware,
            "on_event": self.on_event,
            "named": self.named,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the settings of a client that is not open."""
        self.sending, self.middleware = state["sending"], state["middleware"]
        self.on_event = state["on_event"]
        self._begin(Gates() if state["named"] else SHARED)

    async def __aenter__(self) -> Self:
        """Open the client, or count one more entry.

        Raises:
            ConfigurationError: it was closed.
        """
        await self._life.enter(self._begin_session)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the models at the end of the outermost block."""
        await self._life.leave()

    async def _begin_session(self, exits: AsyncExitStack) -> None:
        # Compile the patterns now; otherwise the first answer would block the event loop.
        await to_thread.run_sync(load_rules)
        self._session = await exits.enter_async_context(session(self.sending.http))
        self._loop = current_token()
        exits.callback(self._end_session)

    def _end_session(self) -> None:
        self._session = None

    @property
    def is_open(self) -> bool:
        """Whether models that are opened now stay open for later calls, in this event loop."""
        return self._session is not None and self._loop == current_token()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """Give the open models: those of the client where it is open in this loop, else new ones.

        Yields:
            The models; new ones are closed when the block ends.

        Raises:
            ConfigurationError: the client was closed.
        """
        self._life.check()
        if self._session is not None and self.is_open:
            yield self._session
            return
        async with session(self.sending.http) as own:
            yield own

    async def open(
        self,
        model: str | Provider,
        models: Session,
        *,
        accounts: tuple[Account, ...] = (),
        chains: dict[Hashable, Provider] | None = None,
        cheap_only: bool = False,
    ) -> Provider:
        """Give the provider of `model` with the whole chain around it.

        Args:
            model: A model string or a provider; one that was opened before passes through.
            models: Where models that strings name are kept open.
            accounts: Further budgets that pay for the calls, in addition to the client's own.
            chains: The chains that were made before; by default those of `models`. Whoever pays
                from further accounts keeps them no longer than those.
            cheap_only: Whether to refuse models that are loaded into this process.

        Returns:
            The provider; calls of it are limited, retried, counted and paid.

        Raises:
            InvalidInputError: `model` is neither a string nor a provider, or is empty.
            ConfigurationError: the model cannot be made, its price is not known and a budget caps
                money, or the client was closed.
        """
        self._life.check()
        if not isinstance(model, str) and is_opened(model):
            return model
        bare = await models.model(model, cheap_only=cheap_only)
        key: Hashable = (id(bare), id(self), *map(id, accounts))
        known = models.chains if chains is None else chains
        kept = known.get(key)
        if isinstance(kept, Opened) and kept.bare is bare:
            return kept
        own = () if self.account is None else (self.account,)
        chain = Chain(self.sending, self._gates, own + accounts, self.middleware, self.on_event)
        # In a thread, since the first price lookup reads a table for a third of a second.
        opened = await to_thread.run_sync(chained, bare, chain)
        batching = self.sending.batch
        if batching is not None and declared(bare, "free", False) is not True:
            opened = await routed(opened, chain, models.batches(batching))
        known[key] = opened
        return opened

    def with_batching(self, batching: Batching | None) -> Client:
        """Return this client with other batches.

        Args:
            batching: Which calls are batched, and how; `None` batches none.

        Returns:
            A client that is not open, with the same other settings, gates and account.
        """
        other = copy(self)
        other.sending = self.sending.model_copy(update={"batch": batching})
        other.account, other.verdicts, other._gates = self.account, self.verdicts, self._gates
        return other

    def gate(self, provider: Provider) -> Gate:
        """Return the gate of a model: what is in flight there, what waits, and what is allowed.

        Args:
            provider: The model, opened or not; those of one endpoint and name share a gate.
        """
        return self._gates.of(provider, self.sending.limits, self.sending.retry)

    def emit(self, event: Event) -> None:
        """Tell the client's listener, if there is one, what happened.

        Args:
            event: What happened.
        """
        if self.on_event is not None:
            self.on_event(event)


def _layer(data: Any) -> Middleware:
    known: dict[str, Middleware] = {layer.value: layer for layer in Layer}
    if isinstance(data, str) and data in known:
        return known[data]
    layer: Middleware = from_data(data, "middleware")
    return layer
