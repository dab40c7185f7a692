"""Reads the fields of a request's body one by one, with their types; the rest is unknown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import JsonValue

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk.core.messages import FilePart, ImagePart
from catsdk.core.types import Message

__all__ = ["Fields", "checked_chat"]

# The schemes that an image or a file may have: given a path, a service would read its own disk.
_SCHEMES = frozenset({"http", "https", "data"})


class Fields:
    """The fields of an object of a request; `null` is as good as absent.

    Args:
        where: What names the object in errors; empty for the body itself.
        given: The object.
    """

    def __init__(self, where: str, given: Mapping[str, Any]) -> None:
        """Start with no field read."""
        self._where = where
        self._left = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        """Whether the field is present and has not been read."""
        return name in self._left

    def any(self, name: str) -> Any:
        """Take a field of any kind."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str | None:
        """Take a text."""
        return cast("str | None", self._of(name, str, "a text"))

    def wanted_text(self, name: str) -> str:
        """Take a text that must be there.

        Raises:
            InvalidInputError: it is missing, empty, or no text.
        """
        value = self.text(name)
        if not value:
            raise InvalidInputError(f"{self._path(name)} is missing; give a text")
        return value

    def flag(self, name: str) -> bool | None:
        """Take a truth value."""
        return cast("bool | None", self._of(name, bool, "true or false"))

    def whole(self, name: str) -> int | None:
        """Take a whole number."""
        value = self._left.get(name)
        if isinstance(value, bool):
            raise self._wrong(name, value, "a whole number")
        return cast("int | None", self._of(name, int, "a whole number"))

    def number(self, name: str) -> float | None:
        """Take a number."""
        value = self._left.get(name)
        if isinstance(value, bool):
            raise self._wrong(name, value, "a number")
        return cast("float | None", self._of(name, (int, float), "a number"))

    def items(self, name: str) -> list[Any] | None:
        """Take a list."""
        return cast("list[Any] | None", self._of(name, list, "a list"))

    def inside(self, name: str) -> Fields | None:
        """Take an object, as fields."""
        value = self.mapping(name)
        return None if value is None else Fields(self._path(name), value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Take an object as it is."""
        return cast("dict[str, Any] | None", self._of(name, dict, "an object"))

    def objects(self, name: str) -> list[Fields]:
        """Take a list of objects.

        Raises:
            InvalidInputError: it is not a list, or holds something else.
        """
        found: list[Fields] = []
        for at, each in enumerate(self.items(name) or []):
            if not isinstance(each, dict):
                raise self._wrong(f"{name}[{at}]", each, "an object")
            found.append(Fields(f"{self._path(name)}[{at}]", cast("dict[str, Any]", each)))
        return found

    def taken(self, names: Collection[str]) -> dict[str, JsonValue]:
        """Take those of `names` that are there, as they are."""
        return {name: self._left.pop(name) for name in names if name in self._left}

    def end(self, ignored: Collection[str] = ()) -> None:
        """Refuse what is left.

        Args:
            ignored: Fields that change nothing here.

        Raises:
            InvalidInputError: a field is not known.
        """
        unknown = [name for name in self._left if name not in ignored]
        if unknown:
            raise InvalidInputError(
                f"{self._path(unknown[0])[:80]} is not known here; leave it out, or let the"
                " operator name it under pass_on"
            )

    def _of(self, name: str, kind: Any, what: str) -> Any:
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, kind):
            raise self._wrong(name, value, what)
        return value

    def _wrong(self, name: str, value: object, what: str) -> InvalidInputError:
        return InvalidInputError(f"{self._path(name)} is {value!r:.80}; give {what}")

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name


def checked_chat(messages: Any) -> tuple[Message, ...]:
    """Return the messages of a chat that goes to a service.

    Args:
        messages: The messages, in any of the dialects.

    Raises:
        InvalidInputError: they are not a chat, or an image or a file is neither on the web nor in
            the request itself.
    """
    if not isinstance(messages, list):
        raise InvalidInputError(f"messages is {messages!r:.80}; give a list of messages")
    chat = check_prompt(messages)  # pyright: ignore[reportUnknownArgumentType]
    for message in chat:
        for part in message.parts:
            url = part.url if isinstance(part, ImagePart | FilePart) else None
            if url is not None and urlsplit(url[:200]).scheme.lower() not in _SCHEMES:
                raise InvalidInputError(
                    f"a message has the URL {url!r:.60}; give an https: URL, or the data as data:"
                )
    return chat
