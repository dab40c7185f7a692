"""Reads the parts of a message's content in OpenAI's, Anthropic's and transformers' forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from catsdk.core.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
)

__all__ = ["Fields", "UnreadableError", "read_part"]

# Fields that services add to parts of their replies, or that mark a place for their caches.
_REMARKS = {
    "annotations", "cache_control", "citations", "logprobs", "prompt_cache_breakpoint",
}  # fmt: skip


class UnreadableError(ValueError):
    """Something in a chat cannot be read; the text says what, and what is accepted.

    `at` is the place of the message in its chat.
    """

    at: int = 0


class Fields:
    """The fields of a mapping, taken one by one; what is left at the end was not known."""

    def __init__(self, what: str, given: Mapping[str, Any]) -> None:
        """`what` names the mapping in errors."""
        self.what = what
        self.left = dict(given)

    def take(self, name: str) -> Any:
        """The field's value; `None` if there is none."""
        return self.left.pop(name, None)

    def text(self, *names: str) -> str:
        """The text in the first of these fields that is there.

        Raises:
            UnreadableError: none of them is, or its value is not a text.
        """
        value = self.maybe(*names)
        if value is None:
            raise UnreadableError(f"{self.what} has no {names[0]!r}")
        return value

    def maybe(self, *names: str) -> str | None:
        """The text in the first of these fields that is there, if any.

        Raises:
            UnreadableError: its value is not a text.
        """
        for name in names:
            value = self.take(name)
            if value is not None:
                if not isinstance(value, str):
                    raise UnreadableError(f"{self.what} has {name}={value!r:.60}; give a text")
                return value
        return None

    def inside(self, name: str) -> Fields:
        """The fields of the mapping in this field.

        Raises:
            UnreadableError: there is none.
        """
        value = self.take(name)
        if not isinstance(value, Mapping):
            raise UnreadableError(f"{self.what} has {name}={value!r:.60}; give a mapping")
        return Fields(f"{name!r} of {self.what}", cast("Mapping[str, Any]", value))

    def end(self, known: set[str] = _REMARKS) -> None:
        """Refuse what is left.

        Args:
            known: The fields that may be left, and are dropped.

        Raises:
            UnreadableError: another one is left.
        """
        for name in self.left:
            if name not in known:
                raise UnreadableError(f"the key {name!r} is not known in {self.what}")


def read_part(given: object) -> Part:
    """Read one part, in any of the dialects.

    Raises:
        UnreadableError: it is of a type that is not accepted, or not of its type's form.
    """
    if isinstance(given, TextPart | ImagePart | AudioPart | FilePart | RefusalPart | ThinkingPart):
        return given
    if not isinstance(given, Mapping):
        raise UnreadableError(f"a part is {given!r:.60}; give a mapping with a 'type'")
    kind: object = cast("Mapping[str, Any]", given).get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise UnreadableError(
            f"a part of the type {kind!r:.60} is not accepted; accepted are {', '.join(_READERS)}"
        )
    fields = Fields(f"a part of the type {kind!r}", cast("Mapping[str, Any]", given))
    fields.take("type")
    part = read(fields)
    fields.end()
    return part


def _text(part: Fields) -> Part:
    return TextPart(text=part.text("text"))


def _refusal(part: Fields) -> Part:
    return RefusalPart(text=part.text("refusal", "text"))


def _thinking(part: Fields) -> Part:
    text, signature = part.maybe("thinking", "text"), part.maybe("signature")
    return ThinkingPart(text=text or "", signature=signature, redacted=part.maybe("redacted"))


def _redacted(part: Fields) -> Part:
    return ThinkingPart(text="", redacted=part.text("data"))


def _image_url(part: Fields) -> Part:
    if isinstance(part.left.get("image_url"), str):
        return ImagePart(url=part.text("image_url"), detail=part.maybe("detail"))
    inner = part.inside("image_url")
    image = ImagePart(url=inner.text("url"), detail=inner.maybe("detail"))
    inner.end()
    return image


def _input_image(part: Fields) -> Part:
    if part.take("file_id") is not None:
        raise UnreadableError("an image by file_id is not accepted; give its image_url")
    return ImagePart(url=part.text("image_url"), detail=part.maybe("detail"))


def _image(part: Fields) -> Part:
    if "source" in part.left:
        where = _source(part)
        if where.url is None:
            raise UnreadableError("an image by file_id is not accepted; give its data or its url")
        return ImagePart(url=where.url)
    return ImagePart(url=part.text("url", "image"), detail=part.maybe("detail"))


def _audio(part: Fields) -> Part:
    return AudioPart(data=part.text("data"), format=part.text("format"))


def _input_audio(part: Fields) -> Part:
    inner = part.inside("input_audio")
    audio = _audio(inner)
    inner.end()
    return audio


def _file(part: Fields) -> Part:
    if "file" not in part.left:
        return _file_fields(part)
    inner = part.inside("file")
    file = _file_fields(inner)
    inner.end()
    return file


def _file_fields(part: Fields) -> FilePart:
    url, id_ = part.maybe("url", "file_data", "file_url"), part.maybe("id", "file_id")
    if url is None and id_ is None:
        raise UnreadableError(f"{part.what} has neither file_data nor file_id; give one of them")
    return FilePart(url=url, id=id_, name=part.maybe("name", "filename"))


def _document(part: Fields) -> Part:
    name = part.maybe("title")
    return _source(part).model_copy(update={"name": name} if name else {})


def _source(part: Fields) -> FilePart:
    """Read the source of an image or a document in Anthropic's form."""
    source = part.inside("source")
    kind = source.take("type")
    if kind == "url":
        found = FilePart(url=source.text("url"))
    elif kind == "file":
        found = FilePart(id=source.text("file_id"))
    elif kind == "base64":
        media = source.text("media_type")
        found = FilePart(url=f"data:{media};base64,{source.text('data')}")
    else:
        raise UnreadableError(
            f"{source.what} is of the type {kind!r:.60}; accepted are base64, url and file"
        )
    source.end()
    return found


_READERS: dict[str, Callable[[Fields], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _image_url,
    "input_image": _input_image,
    "image": _image,
    "input_audio": _input_audio,
    "audio": _audio,
    "file": _file,
    "input_file": _file,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
