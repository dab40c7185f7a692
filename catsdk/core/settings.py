"""Settings from the environment: the variables that begin with `CATSDK_`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from catsdk.core.errors import ConfigurationError
from catsdk.core.runtime import Runtime, RuntimeFields

__all__ = ["Settings"]


class Settings(RuntimeFields, BaseSettings):
    """Defaults that a program does not set itself, read anew each time this is made.

    Raises:
        ConfigurationError: a variable holds what its setting cannot be.
    """

    model_config = SettingsConfigDict(env_prefix="CATSDK_", frozen=True, extra="ignore")

    model: str | None = Field(default=None, description="model of every role not named otherwise")
    anchor: str | None = Field(default=None, description="model that synthesizes; else the policy")
    judge: str | None = Field(default=None, description="model that judges; else the anchor")

    # Hidden from type checkers, as in `Options`.
    if not TYPE_CHECKING:

        def __init__(self) -> None:
            try:
                super().__init__()
            except ValidationError as error:
                told = "; ".join(map(_told, error.errors()))
                raise ConfigurationError(f"in the environment, {told}") from None
            except SettingsError as error:
                raise ConfigurationError(
                    f"in the environment, {error}: {error.__cause__}"
                ) from None

    def runtime(self, runtime: Runtime | None = None) -> Runtime:
        """Make `runtime` whole: what it does not set comes from here."""
        names = RuntimeFields.model_fields
        mine = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        theirs = runtime.model_dump(exclude_unset=True) if runtime is not None else {}
        return Runtime(**{**mine, **theirs})


def _told(detail: Any) -> str:
    variable, *inside = detail["loc"]
    name = ".".join([f"CATSDK_{variable.upper()}", *map(str, inside)])
    return f"{name} is {detail['input']!r}: {detail['msg']}"
