from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.sending import (
    Batching,
    Budget,
    Cache,
    Hedge,
    Limits,
    Price,
    Retry,
    Telemetry,
    Timeouts,
)
from catsdk.runtime.chain import Layer, default_middleware
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, context_of
from catsdk.runtime.output import Output
from catsdk.runtime.roles import Estimator, Judge, Paraphraser, Proposer, Rater, Rewarder, Sampler
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = [
    "Batching",
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
    "Paraphraser",
    "Price",
    "Proposer",
    "Rater",
    "Retry",
    "Rewarder",
    "Sampler",
    "Telemetry",
    "Timeouts",
    "Wrapper",
    "context_of",
    "default_middleware",
    "fan_out",
]
