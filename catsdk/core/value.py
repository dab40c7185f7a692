"""The base of all values: frozen, without unknown fields, and short when printed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict

from catsdk.core.display.html import html_of
from catsdk.core.display.sheet import Sheet

__all__ = ["ShownValue", "Value", "WholeValue"]


class Value(BaseModel):
    """A frozen value without unknown fields, whose text form is short."""

    # Deferred: most programs use few of the types, and building all takes a third of the import.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def __str__(self) -> str:
        """The short form, also where pydantic would print every field."""
        return repr(self)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """The fields that differ from their defaults, long ones cut."""
        fields = type(self).model_fields
        for name, value in super().__repr_args__():
            if name not in fields or value != fields[name].get_default(call_default_factory=True):
                yield name, _Shown(value)

    def _short(self, *names: str, **more: object) -> str:
        """The class with some of its fields: not those at their default, and long texts cut."""
        fields = type(self).model_fields
        chosen = {n: v for n in names if (v := getattr(self, n)) != fields[n].default} | more
        told = (f"{name}={_cut(value)}" for name, value in chosen.items() if value is not None)
        return f"{type(self).__name__}({', '.join(told)})"


class ShownValue(Value):
    """A value that notebooks and rich show as a small table."""

    def _sheet(self) -> Sheet:
        """What is shown of it."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """What a notebook shows; every text is escaped and cut."""
        return html_of(self._sheet())

    def __rich__(self) -> Any:
        """What rich prints; no text is read as markup."""
        # Imported here, since the caller has loaded rich, and most programs never do.
        return import_module("catsdk.core.display.terminal").rich_of(self._sheet())


class _Shown:
    """A value whose text form is cut."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return _cut(self.value)


def _cut(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"


class WholeValue(Value):
    """A value that prints whole: seeds and identities are made of the text form of a prompt."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Every field, except optional ones that are absent."""
        fields = type(self).model_fields
        for name, value in BaseModel.__repr_args__(self):
            if name not in fields or value or fields[name].exclude_if is None:
                yield name, value
