"""Settings from the environment: the variables that begin with `CATSDK_`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import ConfigDict, Field, ValidationError

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.options import Options
from catsdk.core.sending import Sending, SendingFields, whole_section

__all__ = ["Settings", "set_by_name"]


class Settings(SendingFields):
    """Defaults that a program does not set itself, read from the environment when this is made.

    A part of a setting is named with two underscores: `CATSDK_LIMITS__IN_FLIGHT=32`. A whole
    section is JSON or its short form (`CATSDK_HEDGE=true`, `CATSDK_CACHE=answers.db`), and parts
    that are named beside it come before its own.

    Raises:
        ConfigurationError: a variable holds a value that its setting does not allow.
    """

    model_config = ConfigDict(frozen=True)

    model: str | None = Field(default=None, description="the policy, unless one is named")
    anchor: str | None = Field(default=None, description="model that synthesizes; else the policy")
    judge: str | None = Field(default=None, description="model that judges; else the anchor")

    # Hidden from type checkers, as in `Options`.
    if not TYPE_CHECKING:

        def __init__(self) -> None:
            try:
                super().__init__(**_variables(type(self).model_fields))
            except ValidationError as error:
                causes = "; ".join(cause for each in error.errors() for cause in _explained(each))
                raise ConfigurationError(f"in the environment, {causes}") from None

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
                whole[name] = _over(whole.get(name), whole_section(name, value))
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
                raise _both(section, name)
            branch = cast("dict[str, Any]", part)
        if isinstance(branch.get(last), dict):
            raise _both(name, f"{name}.{next(iter(branch[last]))}")
        branch[last] = value
    return tree


def _both(section: str, part: str) -> InvalidInputError:
    return InvalidInputError(f"{section!r} and its part {part!r} are both set; give one of the two")


def _variables(names: Iterable[str]) -> dict[str, Any]:
    """The settings in the environment: for each, its text or the tree of its parts."""
    texts = {variable.lower(): text for variable, text in os.environ.items()}
    found: dict[str, Any] = {}
    for name in names:
        variable = f"catsdk_{name}"
        value: Any = texts.get(variable)
        if name in SendingFields.model_fields:
            value = _section_of(name, variable, texts)
        if value is not None:
            found[name] = value
    return found


def _section_of(name: str, variable: str, texts: Mapping[str, str]) -> Any:
    """A section merged with its separately set parts; `None` if nothing sets it or it is off."""
    parts = [each for each in texts if each.startswith(f"{variable}__")]
    if variable not in texts and not parts:
        return None
    section: Any = whole_section(name, _read(variable, texts)) if variable in texts else {}
    for each in parts if isinstance(section, dict) else ():
        *branches, last = each.removeprefix(f"{variable}__").split("__")
        tree = cast("dict[str, Any]", section)
        for branch in branches:
            tree = _branch(tree, branch, each)
        tree[last] = _read(each, texts)
    return cast("Any", section)


def _branch(tree: dict[str, Any], name: str, variable: str) -> dict[str, Any]:
    branch: object = tree.setdefault(name, {})
    if not isinstance(branch, dict):
        raise ConfigurationError(
            f"in the environment, {variable.upper()} is a part of a setting whose value is"
            f" {branch!r:.80}; remove one of the two variables"
        )
    return cast("dict[str, Any]", branch)


def _read(variable: str, texts: Mapping[str, str]) -> Any:
    """The text of a variable, parsed if it is JSON."""
    text = texts[variable]
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"in the environment, {variable.upper()} is not JSON: {error}"
        ) from None


def _over(under: Any, value: Any) -> Any:
    """`value`, with its missing parts taken from `under`."""
    if isinstance(value, Options):
        value = value.model_dump(exclude_unset=True)
    if isinstance(under, Options):
        under = under.model_dump(exclude_unset=True)
    if isinstance(under, Mapping) and isinstance(value, Mapping):
        return {**cast("Mapping[str, Any]", under), **cast("Mapping[str, Any]", value)}
    return value


def _explained(detail: Any, section: tuple[str, ...] = ()) -> list[str]:
    """Describe the error of each wrong variable."""
    place = (*section, *map(str, detail["loc"]))
    cause = detail.get("ctx", {}).get("error")
    # A section's own error is preferred to pydantic's errors about its parts.
    if isinstance(cause, InvalidInputError) and isinstance(cause.__context__, ValidationError):
        return [each for part in cause.__context__.errors() for each in _explained(part, place)]
    name = "__".join([f"CATSDK_{place[0]}", *place[1:]]).upper()
    if isinstance(cause, InvalidInputError):
        return [f"in {name}, {cause}"]
    if detail["type"] == "extra_forbidden":
        parts = ", ".join(_section(place[0])).upper()
        return [f"{name} is not a setting; the parts of CATSDK_{place[0].upper()} are {parts}"]
    if detail["type"] == "model_type":
        part = next(iter(_section(place[0])), "").upper()
        return [f"{name} is {detail['input']!r}; give its parts, such as {name}__{part}, or JSON"]
    if detail["type"] == "missing":
        return [f"{name} is missing"]
    return [f"{name} is {detail['input']!r}: {detail['msg']}"]


def _section(name: str) -> tuple[str, ...]:
    """The parts that a section has."""
    annotation = Settings.model_fields[name].annotation
    kinds = get_args(annotation) or (annotation,)
    sections = (each for each in kinds if isinstance(each, type) and issubclass(each, Options))
    return next((tuple(section.model_fields) for section in sections), ())
