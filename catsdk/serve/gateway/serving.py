"""Runs a gateway inside a block: its models are open, and it listens until the block ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

from starlette.routing import Route

from catsdk.cat import CaT
from catsdk.core.concurrency.pipeline import background_tasks
from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Provider
from catsdk.runtime.client import Client
from catsdk.scored import opened
from catsdk.serve.gateway.app import Gateway
from catsdk.serve.gateway.catalogue import Catalogue
from catsdk.serve.gateway.config import GatewayConfig
from catsdk.serve.gateway.evidence import Evidence
from catsdk.serve.rewards.rendezvous import GroupLimits, Rendezvous
from catsdk.serve.rewards.routes import reward_routes
from catsdk.serve.site.access import Access, check_host
from catsdk.serve.site.bodies import Bodies
from catsdk.serve.site.server import listening

__all__ = ["serving_gateway"]


@asynccontextmanager
async def serving_gateway(
    config: GatewayConfig,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    client: Client | None = None,
    providers: Mapping[str, Provider] | None = None,
) -> AsyncGenerator[str]:
    """Serve a gateway until the block ends; needs asyncio.

    At the end no more requests are taken, and those that are being answered are waited for.

    Args:
        config: What may be asked, by whom, and under which caps.
        host: The address to listen on; others than this machine's need keys.
        port: 0 takes a free one.
        client: How calls are sent; by default as `config.client` says.
        providers: Models that are objects, by the names under which they may be asked; who made
            them closes them.

    Yields:
        The address, such as `http://127.0.0.1:8080`.

    Raises:
        InvalidInputError: it would listen to other machines without a key, or a setting is wrong.
        ConfigurationError: a model cannot be made, a key is not set, or the address is taken.

    Example:
        >>> from catsdk.serve import GatewayConfig, serving_gateway
        >>> async with serving_gateway(GatewayConfig(models=["local"])) as address:
        ...     print(address.rpartition(":")[0])
        http://127.0.0.1
    """
    check_host(host, bool(config.keys), "keys, in the section `keys` of the configuration")
    access = Access.by(config.secrets())
    sending = client or Client.from_data(config.client)
    if len(config.keys) > 1 and sending.sending.cache is not None:
        raise InvalidInputError(
            "the client has a cache, which all keys would share: set cache in the configuration of"
            " the gateway instead, and not CATSDK_CACHE"
        )
    limits = config.limits
    bodies = Bodies(limits.body, limits.bodies, limits.arrival)
    async with (
        Catalogue.opened(config, sending, providers or {}) as catalogue,
        Evidence.opened(config.evidence) as evidence,
        _rewards(config, bodies) as (routes, close),
    ):
        served = Gateway(catalogue, config, access, evidence=evidence, bodies=bodies, more=routes)
        async with listening(
            served.app, host, port, arrival=limits.arrival, drain=limits.drain
        ) as address:
            yield address
            close()


@asynccontextmanager
async def _rewards(
    config: GatewayConfig, bodies: Bodies
) -> AsyncGenerator[tuple[list[Route], Callable[[], None]]]:
    """The routes of rewards, if the configuration has any, and the function that ends them."""
    if config.rewards is None:
        yield [], lambda: None
        return
    described = CaT.from_data(config.rewards)
    async with opened(described) as c, background_tasks() as tasks:
        rendezvous = Rendezvous(c, tasks, GroupLimits())
        yield reward_routes(rendezvous, bodies, config.group_size), rendezvous.close
