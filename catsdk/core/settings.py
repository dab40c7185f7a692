"""Settings from the environment: the variables that begin with `CATSDK_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]


class Settings(BaseSettings):
    """Defaults that a program does not set itself, read anew each time this is made."""

    model_config = SettingsConfigDict(env_prefix="CATSDK_", frozen=True, extra="ignore")

    model: str | None = Field(default=None, description="model of every role not named otherwise")
    anchor: str | None = Field(default=None, description="model that synthesizes; else the policy")
    judge: str | None = Field(default=None, description="model that judges; else the anchor")
    max_in_flight: int = Field(default=64, ge=1, description="requests at once to one model")
    timeout: float = Field(default=600.0, gt=0, description="seconds for one call")
    max_retries: int = Field(default=4, ge=0, description="times a transient failure is retried")
