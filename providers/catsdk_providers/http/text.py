"""Text on the wire: checked before it is sent, repaired and bounded when it arrives."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from typing import Any

from catsdk.core.errors import InvalidInputError

__all__ = ["MAX_TEXT", "NOT_THE_WIRE", "Mending", "json_bytes", "loaded", "mended", "parsed"]

MAX_TEXT = 1_000_000
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_LARGE = 2**18

# Errors raised by parsing a reply that does not have the form of the wire.
NOT_THE_WIRE = (
    KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError,
)  # fmt: skip


def json_bytes(payload: Mapping[str, Any]) -> bytes:
    """The payload as JSON.

    Raises:
        InvalidInputError: a text in it holds half a character, or a number is not finite.
    """
    try:
        return _ENCODER.encode(payload).encode()
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 20) : error.start].encode("ascii", "replace")
        raise InvalidInputError(
            f"the request contains {error.object[error.start]!a}, half of a character, which"
            f" cannot be encoded, after {around.decode()!r}; replace it, for instance by"
            " text.encode('utf-8', 'replace').decode()"
        ) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInputError(f"the request cannot be sent as JSON: {error}") from None


def parsed(content: bytes) -> Any:
    """The JSON in the body of a reply.

    Raises:
        ValueError: it is not JSON (also any of `NOT_THE_WIRE`).
    """
    # The SDKs' models cost more than a call, and are not needed. Parsing makes no garbage, but
    # enough objects that the collector would look through all of the program again and again.
    collecting = len(content) > _LARGE and gc.isenabled()
    if collecting:
        gc.disable()
    try:
        return loaded(content)
    finally:
        if collecting:
            gc.enable()


def loaded(content: bytes) -> Any:
    """The JSON in some bytes; those that are of no character are replaced.

    Raises:
        ValueError: there is none.
    """
    try:
        return json.loads(content)
    except UnicodeDecodeError:
        return json.loads(content.decode("utf-8", "replace"))


def mended(text: str) -> str:
    """Replace halves of characters, which no encoding takes and no later call could send."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class Mending:
    """Mends a text that comes in pieces: servers that count in UTF-16 may cut a character in two.

    What it gives joins to the mended whole, which is `text`.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pieces: list[str] = []
        self._half = ""

    @property
    def text(self) -> str:
        """What was given so far."""
        return "".join(self._pieces)

    def feed(self, piece: str) -> str:
        """Take the next piece; returns what can be passed on now."""
        piece = self._half + piece
        whole = len(piece) - ("\ud800" <= piece[-1:] <= "\udbff")
        self._half = piece[whole:]
        return self._give(piece[:whole])

    def end(self) -> str:
        """Take in that no more comes; returns the rest."""
        half, self._half = self._half, ""
        return self._give(half)

    def _give(self, piece: str) -> str:
        self._pieces.append(mended(piece))
        return self._pieces[-1]
