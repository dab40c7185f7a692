"""Weather: how the loopback server misbehaves at random, repeatable with a seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from types import MappingProxyType
from typing import Any

from catsdk.testing.wire import FAULTS, Fault

__all__ = ["CALM", "CHAOS", "Chance", "Forecast", "Weather", "chaos"]

CHAOS: Mapping[Fault, float] = MappingProxyType({
    "429": 0.05, "429_date": 0.01, "500": 0.03, "503": 0.01, "bad_gateway": 0.01,
    "reset": 0.02, "cut": 0.02, "malformed": 0.02, "not_json": 0.01, "mistyped": 0.01,
    "empty": 0.01, "no_message": 0.01, "trickle": 0.005, "hang": 0.005, "endless": 0.002,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weather:
    """How a `LoopbackServer` misbehaves at random, under a seed; shares are in 0..1.

    Args:
        latency: Seconds before each answer.
        jitter: How much the latency varies, as a share of it.
        straggler_share: Share of the requests that straggle.
        straggler_factor: How many times longer those take.
        rate_limited_share: Share of the requests that are refused with 429.
        retry_after: Seconds that such a refusal asks to wait.
        failing_share: Share of the requests that fail with 500.
        faults: Shares of further faults, by their names.
        seed: Chooses what happens to each request.

    Raises:
        ValueError: the shares add up to more than 1, or one is out of range.

    Example:
        >>> from catsdk.testing import Weather
        >>> Weather(rate_limited_share=0.2, failing_share=0.1).shares
        {'429': 0.2, '500': 0.1}
    """

    latency: float = 0.0
    jitter: float = 0.0
    straggler_share: float = 0.0
    straggler_factor: float = 10.0
    rate_limited_share: float = 0.0
    retry_after: float = 1.0
    failing_share: float = 0.0
    faults: Mapping[Fault, float] = field(default_factory=dict[Fault, float])
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the names of the faults and their shares.

        Raises:
            ValueError: a fault is unknown, or the shares are negative or over 1 together.
        """
        unknown = set(self.faults) - set(FAULTS)
        shares = self.shares.values()
        if unknown or min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(
                f"faults are {dict(self.faults)}; give shares from 0 to 1, together at most 1, of:"
                f" {', '.join(FAULTS)}"
            )

    @property
    def shares(self) -> dict[Fault, float]:
        """The share of each fault, from all sources combined."""
        shares: dict[Fault, float] = dict(self.faults)
        shares["429"] = shares.get("429", 0.0) + self.rate_limited_share
        shares["500"] = shares.get("500", 0.0) + self.failing_share
        return shares


CALM = Weather()


def chaos(seed: int = 0, *, times: float = 1.0, latency: float = 0.01) -> Weather:
    """Return a `Weather` in which everything goes wrong at once, stragglers included.

    Args:
        seed: Chooses what happens to each request.
        times: Multiplies the share of each fault.
        latency: Seconds before each answer.

    Raises:
        ValueError: `times` makes the shares more than 1 together.

    Example:
        >>> from catsdk.testing import chaos
        >>> len(chaos(seed=7).shares) > 5
        True
    """
    return Weather(
        latency=latency,
        jitter=0.5,
        straggler_share=0.05,
        retry_after=0.05,
        faults={fault: share * times for fault, share in CHAOS.items()},
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What happens to one request: seconds before the answer, and the fault, if any."""

    latency: float
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws what happens to each request from its body and how often it came before.

    The order in which different requests arrive, which no seed controls, has no effect.
    """

    weather: Weather
    _seen: Counter[bytes] = field(default_factory=Counter[bytes])

    def draw(self, payload: Mapping[str, Any]) -> Forecast:
        """Draw for a request with this body."""
        said = blake2b(json.dumps(payload, sort_keys=True).encode(), digest_size=16).digest()
        self._seen[said] += 1
        weather = self.weather
        random = Random(b"%d %s %d" % (weather.seed, said, self._seen[said]))
        latency = weather.latency * (1 + weather.jitter * random.uniform(-1, 1))
        if random.random() < weather.straggler_share:
            latency *= weather.straggler_factor
        return Forecast(latency, _fault(weather.shares, random.random()))


def _fault(shares: Mapping[Fault, float], chance: float) -> Fault | None:
    for fault, share in shares.items():
        chance -= share
        if chance < 0:
            return fault
    return None
