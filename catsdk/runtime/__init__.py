"""How models are opened and called: the client, its chain of wrappers, the context of roles."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk.core.sending import Budget, Cache, Hedge, Limits, Price, Retry, Telemetry, Timeouts
    from catsdk.runtime.chain import Layer, default_middleware
    from catsdk.runtime.client import Client
    from catsdk.runtime.context import Context
    from catsdk.runtime.output import Output
    from catsdk.runtime.roles import Estimator, Judge, Proposer, Rater, Rewarder, Sampler
    from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = [
    "Budget",
    "Cache",
    "Client",
    "Context",
    "Estimator",
    "Hedge",
    "Judge",
    "Layer",
    "Limits",
    "Output",
    "Price",
    "Proposer",
    "Rater",
    "Retry",
    "Rewarder",
    "Sampler",
    "Telemetry",
    "Timeouts",
    "Wrapper",
    "default_middleware",
]

_HOMES = {
    "Budget": "catsdk.core.sending",
    "Cache": "catsdk.core.sending",
    "Client": "catsdk.runtime.client",
    "Context": "catsdk.runtime.context",
    "Estimator": "catsdk.runtime.roles",
    "Hedge": "catsdk.core.sending",
    "Judge": "catsdk.runtime.roles",
    "Layer": "catsdk.runtime.chain",
    "Limits": "catsdk.core.sending",
    "Output": "catsdk.runtime.output",
    "Price": "catsdk.core.sending",
    "Proposer": "catsdk.runtime.roles",
    "Rater": "catsdk.runtime.roles",
    "Retry": "catsdk.core.sending",
    "Rewarder": "catsdk.runtime.roles",
    "Sampler": "catsdk.runtime.roles",
    "Telemetry": "catsdk.core.sending",
    "Timeouts": "catsdk.core.sending",
    "Wrapper": "catsdk.runtime.wrappers.wrapper",
    "default_middleware": "catsdk.runtime.chain",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
