"""Settings from the environment: the variables that begin with `CATSDK_`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.options import Options
from catsdk.core.sending import Sending, SendingFields

__all__ = ["Settings", "set_by_name"]


class Settings(SendingFields, BaseSettings):
    """Defaults that a program does not set itself, read from the environment when this is made.

    A part of a setting is named with two underscores: `CATSDK_LIMITS__IN_FLIGHT=32`.

    Raises:
        ConfigurationError: a variable holds a value that its setting does not allow.
    """

    model_config = SettingsConfigDict(
        env_prefix="CATSDK_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
        frozen=True,
        extra="ignore",
    )

    model: str | None = Field(default=None, description="the policy, unless one is named")
    anchor: str | None = Field(default=None, description="model that synthesizes; else the policy")
    judge: str | None = Field(default=None, description="model that judges; else the anchor")

    # Hidden from type checkers, as in `Options`.
    if not TYPE_CHECKING:

        def __init__(self) -> None:
            try:
                super().__init__()
            except ValidationError as error:
                causes = "; ".join(map(_explained, error.errors()))
                raise ConfigurationError(f"in the environment, {causes}") from None
            except InvalidInputError as error:
                raise ConfigurationError(f"in the environment, {error}") from None
            except SettingsError as error:
                raise ConfigurationError(
                    f"in the environment, {error}: {error.__cause__}"
                ) from None

    def sending(self, given: Mapping[str, Any]) -> Sending:
        """What is `given`, and for the rest what the environment sets.

        Args:
            given: Settings of a client by name; `None` leaves the choice to the environment.

        Raises:
            InvalidInputError: a setting is unknown or out of its range.
        """
        names = SendingFields.model_fields
        whole = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        for name, value in given.items():
            if value is not None:
                whole[name] = _over(whole.get(name), value)
        return Sending(**whole)


def set_by_name(assignments: Mapping[str, Any]) -> dict[str, Any]:
    """Settings given by dotted names, as the nested mapping that `Settings.sending` takes.

    Args:
        assignments: Values by name, such as `{"limits.in_flight": 8, "hedge": True}`.

    Raises:
        InvalidInputError: a name goes through something that has no parts.

    Example:
        >>> set_by_name({"limits.in_flight": 8, "limits.adaptive": False})
        {'limits': {'in_flight': 8, 'adaptive': False}}
    """
    tree: dict[str, Any] = {}
    for name, value in assignments.items():
        *sections, last = name.split(".")
        branch = tree
        for section in sections:
            part: object = branch.setdefault(section, {})
            if not isinstance(part, dict):
                raise InvalidInputError(
                    f"{name!r} names a part of {section!r}, which is set to {part!r} too;"
                    " give one of the two"
                )
            branch = cast("dict[str, Any]", part)
        branch[last] = value
    return tree


def _over(under: Any, value: Any) -> Any:
    """`value`, with the parts that it leaves open from `under`."""
    if isinstance(value, Options):
        value = value.model_dump(exclude_unset=True)
    if isinstance(under, Options) and isinstance(value, Mapping):
        return under.model_dump(exclude_unset=True) | dict(cast("Mapping[str, Any]", value))
    return value


def _explained(detail: Any) -> str:
    variable, *inside = detail["loc"]
    name = "__".join([f"CATSDK_{variable}", *map(str, inside)]).upper()
    return f"{name} is {detail['input']!r}: {detail['msg']}"
