"""Opens the models of an evaluation, each once, behind the run store and the usual wrappers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import cast

from anyio import to_thread

from catsdk.core.errors import InvalidInputError, NoModelError
from catsdk.core.inputs import check_many
from catsdk.core.options import Sampling
from catsdk.core.ports import OnText, Provider, name_of
from catsdk.core.registry import check_model, resolve
from catsdk.core.runtime import Runtime
from catsdk.core.settings import Settings
from catsdk.core.types import Completion, Request
from catsdk.evaluate.contenders import Models
from catsdk.middleware.account import Account, Budget
from catsdk.middleware.prices import rates_of
from catsdk.middleware.stack import stacked
from catsdk.middleware.wrapper import Wrapper
from catsdk.runs.ledger import Ledger
from catsdk.runs.store import RunStore

__all__ = ["NO_MODEL", "open_models"]

Model = str | Provider


class _NoModel:
    """Stands where no model is named: whoever asks it is told to name one."""

    name = "none"

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        raise NoModelError("recorded rollouts come without a model; name an anchor")


NO_MODEL = _NoModel()


@asynccontextmanager
async def open_models(
    policies: Sequence[Model],
    anchor: Model | None = None,
    judge: Model | None = None,
    *,
    store: RunStore | None = None,
    budget: Budget | None = None,
    runtime: Runtime = Runtime(),
    sampling: Sampling = Sampling(),
    seed: int | None = None,
) -> AsyncGenerator[Models]:
    """Give the models, those named by strings opened here and closed at the end.

    The anchor is the first policy unless named, the judge the anchor. With `store` the answers of
    each are kept there, below the retries, and those that are there are not asked for again.

    Raises:
        InvalidInputError: no policy, or what is no model; or a store, and a provider that is
            wrapped already.
        ConfigurationError: as `resolve`.
    """
    check_many("policies", policies, "give a list of models")
    if not policies:
        raise InvalidInputError("no model; give at least one")
    account = Account(budget) if budget is not None else None
    known: dict[object, Provider] = {}
    async with AsyncExitStack() as exits:

        async def provider_of(model: Model) -> Provider:
            check_model(model)
            key: object = model if isinstance(model, str) else id(model)
            if key not in known:
                bare = await _opened(model, exits)
                # In a thread: the first look at the prices takes a third of a second.
                known[key] = await to_thread.run_sync(
                    lambda: stacked(_kept(bare, store, runtime), account=account, runtime=runtime)
                )
            return known[key]

        opened = [await provider_of(policy) for policy in policies]
        anchor_provider = await provider_of(anchor) if anchor is not None else opened[0]
        judge_provider = await provider_of(judge) if judge is not None else anchor_provider
        yield Models(opened, anchor_provider, judge_provider, sampling, seed)


async def _opened(model: Model, exits: AsyncExitStack) -> Provider:
    if not isinstance(model, str):
        return model
    # In a thread: it may import a vendor's packages, which takes seconds.
    provider = await to_thread.run_sync(resolve, model)
    if isinstance(provider, AbstractAsyncContextManager):
        await exits.enter_async_context(
            cast("AbstractAsyncContextManager[object]", provider)  # pyright: ignore[reportUnknownArgumentType]
        )
    return provider


def _kept(provider: Provider, store: RunStore | None, runtime: Runtime) -> Provider:
    if store is None:
        return provider
    if isinstance(provider, Wrapper):
        raise InvalidInputError(
            f"{name_of(provider)} is wrapped already; with a run store give the bare provider"
        )
    return Ledger(provider, store, rates_of(provider, Settings().runtime(runtime).prices))
