"""How calls are sent: limits, retries, hedging, cache, deadlines; each also a `CATSDK_` variable."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from catsdk.core.options import Options
from catsdk.core.types import Value

__all__ = ["Price", "Runtime", "RuntimeFields"]


class Price(Value):
    """US dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class RuntimeFields(BaseModel):
    """The options of a runtime, for `Runtime` and for `Settings`; `None` is no limit."""

    max_in_flight: int = Field(default=64, ge=1, description="requests at once to one model")
    adaptive: bool = Field(
        default=True, description="fewer at once while the service refuses or gets slower"
    )
    requests_per_minute: float | None = Field(
        default=None, gt=0, description="requests to one model in any minute"
    )
    tokens_per_minute: float | None = Field(
        default=None, gt=0, description="tokens of one model in any minute"
    )
    timeout: float = Field(default=600.0, gt=0, description="seconds for one try of a call")
    max_retries: int = Field(default=4, ge=0, description="times a transient failure is retried")
    max_retry_after: float = Field(
        default=120.0, ge=0, description="seconds that a service may ask us to wait"
    )
    call_deadline: float = Field(
        default=1800.0, gt=0, description="seconds for one call with all its tries and waits"
    )
    deadline: float | None = Field(
        default=None, gt=0, description="seconds for a whole synthesis; then what is there"
    )
    quorum: int | None = Field(
        default=None, ge=1, description="rollouts that are enough to synthesize from"
    )
    late: Literal["cancel", "keep"] = Field(
        default="cancel", description="what becomes of the rollouts that come after the quorum"
    )
    hedge: bool = Field(
        default=False, description="send a straggling call a second time; the first answer wins"
    )
    hedge_share: float = Field(
        default=0.07, gt=0, le=1, description="extra requests for hedging, as a share of all"
    )
    cache: str | None = Field(
        default=None, description="'memory', or the path of a file that keeps answers"
    )
    cache_bytes: int = Field(default=2**30, ge=0, description="most that the cache keeps")
    cache_seconds: float | None = Field(
        default=None, gt=0, description="age at which a kept answer is forgotten"
    )
    telemetry: bool | None = Field(
        default=None,
        description="OpenTelemetry spans and metrics; unset: where its SDK is loaded",
    )
    telemetry_content: bool = Field(
        default=False, description="put what is asked and answered into the spans too"
    )
    prices: dict[str, Price] = Field(
        default_factory=dict[str, Price],
        description="dollars for a million tokens, by the model's name; before the known prices",
    )


class Runtime(RuntimeFields, Options):
    """How calls are sent. What is not set here comes from the environment (`CATSDK_...`).

    Limits hold for each endpoint and model over the whole process; where two runtimes name
    different ones for the same model, the one that was opened last holds. Times are in seconds.

    Raises:
        InvalidInputError: an option is unknown or out of its range.
    """
