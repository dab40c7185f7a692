"""The configuration of a gateway: models, methods, budgets, keys and limits, in YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field, field_validator

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.inputs import MAX_ROLLOUTS
from catsdk.core.options import Options
from catsdk.core.sending import Budget, Cache, whole_section
from catsdk.core.yaml_text import data_of

__all__ = ["ESTIMATORS", "GatewayConfig", "GatewayLimits", "Key", "Rollouts"]

ESTIMATORS: Mapping[str, Any] = {
    "synthesis": "Synthesizer",
    "majority": "Majority",
    "universal": "UniversalSelfConsistency",
    "self-best-of-n": "SelfBestOfN",
    "generative": "GenerativeSelfAggregation",
}
"""The estimators that may follow `cat/` where the operator names none."""


class Rollouts(Options):
    """How many rollouts a request gets.

    Args:
        usual: Where the request does not say.
        most: What a request may ask for.

    Raises:
        InvalidInputError: a number is out of its range.

    Example:
        >>> from catsdk.serve import Rollouts
        >>> Rollouts(usual=4).most
        32
    """

    usual: int = Field(default=8, ge=1, le=MAX_ROLLOUTS)
    most: int = Field(default=32, ge=1, le=MAX_ROLLOUTS)


class Key(Options):
    """One who may ask.

    Args:
        env: The variable of the environment that holds the key; no file holds one.
        budget: Caps on what all requests with the key may use, from the start of the gateway.
        requests_per_minute: Most requests in any minute.

    Raises:
        InvalidInputError: a setting is out of its range.

    Example:
        >>> from catsdk import Budget
        >>> from catsdk.serve import Key
        >>> Key(env="ALICE_KEY", budget=Budget(usd=5), requests_per_minute=60).env
        'ALICE_KEY'
    """

    env: str = Field(min_length=1)
    budget: Budget | None = None
    requests_per_minute: int | None = Field(default=None, ge=1)


class GatewayLimits(Options):
    """What the gateway takes on at once, and how long it waits; times are in seconds.

    Args:
        requests: Most requests that are being answered; more are told to come again.
        body: Most bytes of one request.
        bodies: Most bytes of requests that are being read.
        arrival: Time within which the header of a request, and then its body, must be there.
        answer: Time within which a whole answer must be there.
        commit_after: Time after which a stream begins though nothing is there to send, so that
            what stands in between does not cut it off. An error after that comes in the stream.
        keep_alive: Time between two signs of life while a stream has nothing to send.
        send: Time within which a client must take what is sent.
        drain: Time that requests have to end when the gateway is stopped.

    Raises:
        InvalidInputError: a limit is out of its range.

    Example:
        >>> from catsdk.serve import GatewayLimits
        >>> GatewayLimits(requests=200).commit_after
        10.0
    """

    requests: int = Field(default=1024, ge=1)
    body: int = Field(default=2**24, ge=1024)
    bodies: int = Field(default=2**28, ge=1024)
    arrival: float = Field(default=30.0, gt=0)
    answer: float = Field(default=1800.0, gt=0)
    commit_after: float = Field(default=10.0, ge=0)
    keep_alive: float = Field(default=15.0, gt=0)
    send: float = Field(default=60.0, gt=0)
    drain: float = Field(default=30.0, ge=0)


class GatewayConfig(Options):
    """A gateway: what may be asked, and under which caps.

    Args:
        models: The models that may be asked, as model strings; nothing else can be.
        estimators: The estimators that may follow `cat/`, by name: roles as in a recipe. By
            default `ESTIMATORS`.
        profiles: Whole methods by name, each the description of a `CaT`.
        rollouts: How many rollouts a request gets.
        budget: Caps on what one request may use.
        client: How calls are sent, as the section `client` of a `CaT`'s description.
        keys: Those who may ask, by name; without any, programs of this machine may.
        cache: Where answers of models are kept: `memory`, a path, or a `Cache`. Each key has its
            own.
        evidence: The file in which whole results are kept where a request asks for it.
        rewards: The description of a `CaT` whose rewards trainers ask for at the same address.
        group_size: G, for trainers that do not say it.
        limits: What is taken on at once.
        pass_on: Further fields of requests that go to services as they are.

    Raises:
        InvalidInputError: nothing may be asked, or a setting is unknown or out of its range.

    Example:
        >>> from catsdk.serve import GatewayConfig
        >>> GatewayConfig(models=["local"]).rollouts.usual
        8
    """

    models: tuple[str, ...] = ()
    estimators: dict[str, Any] = Field(default_factory=lambda: dict(ESTIMATORS))
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    rollouts: Rollouts = Rollouts()
    budget: Budget | None = None
    client: dict[str, Any] = Field(default_factory=dict[str, Any])
    keys: dict[str, Key] = Field(default_factory=dict[str, Key])
    cache: Cache | None = None
    evidence: str | None = Field(default=None, min_length=1)
    rewards: dict[str, Any] | None = None
    group_size: int = Field(default=8, ge=1)
    limits: GatewayLimits = GatewayLimits()
    pass_on: tuple[str, ...] = ()

    @field_validator("profiles")
    @classmethod
    def _have_names(cls, profiles: dict[str, Any]) -> dict[str, Any]:
        for name in profiles:
            if not name.strip() or name.startswith("cat/"):
                raise ValueError(
                    f"a profile is named {name!r}; give a name that does not begin with cat/"
                )
        return profiles

    @field_validator("cache", mode="before")
    @classmethod
    def _from_a_path(cls, cache: Any) -> Any:
        return whole_section("cache", cache)

    @field_validator("client")
    @classmethod
    def _keeps_nothing(cls, client: dict[str, Any]) -> dict[str, Any]:
        if client.get("cache"):
            raise ValueError("its cache would be shared by all keys; set cache next to it instead")
        return client

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the configuration that a YAML file holds.

        Args:
            path: The file.

        Raises:
            InvalidInputError: it cannot be read, or describes no gateway.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path} cannot be read: {error}") from error
        data = data_of(text, f"{path}")
        if not isinstance(data, Mapping):
            raise InvalidInputError(f"{path} holds {data!r:.60}; write a mapping of settings")
        return cls(**cast("Mapping[str, Any]", data))

    def secrets(self) -> dict[str, str]:
        """Return the keys, from the environment, by the names of their holders.

        Raises:
            ConfigurationError: one is not set.
        """
        found = {name: os.environ.get(key.env, "") for name, key in self.keys.items()}
        for name, secret in found.items():
            if not secret:
                variable = self.keys[name].env
                raise ConfigurationError(f"the key of {name!r} is missing: set {variable}")
        return found
