"""Messages between processes: four bytes of length, then JSON, never larger than a bound."""

from __future__ import annotations

import json
import struct
from typing import BinaryIO, TypeAlias

__all__ = ["MAX_FRAME", "FrameError", "Json", "decode", "encode", "read_frame"]

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

MAX_FRAME = 1 << 18
_LENGTH = struct.Struct("!I")


class FrameError(Exception):
    """A message is larger than `MAX_FRAME` bytes, nested too deeply, or not JSON."""


def encode(message: Json) -> bytes:
    """Return `message` as one frame; raises `FrameError`."""
    try:
        body = json.dumps(message, separators=(",", ":")).encode()
    except (RecursionError, ValueError, TypeError) as error:
        raise FrameError(f"the message is not JSON: {type(error).__name__}") from error
    if len(body) > MAX_FRAME:
        raise FrameError(f"the message has {len(body):,} bytes, over {MAX_FRAME:,}")
    return _LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Json:
    """Return the message that `body` holds; raises `FrameError`."""
    try:
        message: Json = json.loads(body)
    except (RecursionError, ValueError) as error:
        raise FrameError(f"the frame is not JSON: {type(error).__name__}") from error
    return message


def read_frame(stream: BinaryIO) -> Json:
    """Read one message; raises `EOFError` where the other side is gone, `FrameError`."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > MAX_FRAME:
        raise FrameError(f"the frame announces {length:,} bytes, over {MAX_FRAME:,}")
    return decode(_exactly(stream, length))


def _exactly(stream: BinaryIO, count: int) -> bytes:
    read = stream.read(count)
    if len(read) < count:
        raise EOFError
    return read
