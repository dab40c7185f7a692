"""Settings from the environment: the variables that begin with `CATSDK_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from catsdk.core.runtime import Runtime, RuntimeFields

__all__ = ["Settings"]


class Settings(RuntimeFields, BaseSettings):
    """Defaults that a program does not set itself, read anew each time this is made."""

    model_config = SettingsConfigDict(env_prefix="CATSDK_", frozen=True, extra="ignore")

    model: str | None = Field(default=None, description="model of every role not named otherwise")
    anchor: str | None = Field(default=None, description="model that synthesizes; else the policy")
    judge: str | None = Field(default=None, description="model that judges; else the anchor")

    def runtime(self, runtime: Runtime | None = None) -> Runtime:
        """Make `runtime` whole: what it does not set comes from here."""
        names = RuntimeFields.model_fields
        mine = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        theirs = runtime.model_dump(exclude_unset=True) if runtime is not None else {}
        return Runtime(**{**mine, **theirs})
