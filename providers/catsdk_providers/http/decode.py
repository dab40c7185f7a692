"""Decompresses the bytes of a reply, with limits on the compressed and the decompressed size."""

from __future__ import annotations

import zlib
from collections.abc import Generator

from catsdk.core.errors import MalformedResponseError
from catsdk_providers.http.refusals import Place

__all__ = ["MAX_BODY", "MAX_ERROR", "Decoder"]

MAX_BODY = 32 * 2**20
# The most that is read of an error's body, whose message is at the beginning.
MAX_ERROR = 64 * 2**10
# Compressed bytes may grow a thousandfold. None are asked for; some gateways send them all the
# same, and a text of this size in gzip is still a long answer.
MAX_COMPRESSED = 256 * 2**10
MAX_DECODED = 8 * 2**20
_STEP = 2**20
# zlib's `wbits` for each format: gzip's header, or either of the two that are called deflate.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_MAGIC = b"\x1f\x8b"
_MOST_MEMBERS = 64
# Names that gateways use for bytes that are not compressed.
_PLAIN = {"identity", "", "utf-8", "none", "binary", "8bit"}


class Decoder:
    """Takes a body's bytes in any pieces, and gives them decoded, in pieces of bounded size."""

    def __init__(
        self, encoding: str | None, status: int, place: Place, longest: int = MAX_BODY
    ) -> None:
        """`encoding` is the reply's content-encoding; uncompressed it may have `longest` bytes."""
        self._encoding = (encoding or "identity").strip().lower()
        self._status, self._place = status, place
        self._compressed = self._encoding in {"gzip", "x-gzip", "deflate"}
        self.plain = self._encoding in _PLAIN
        self._limit = longest if self.plain else MAX_COMPRESSED
        self._left = self._limit
        self._decoded = 0
        self._members = 1
        self._zlib = zlib.decompressobj(_GZIP) if self._encoding.endswith("gzip") else None

    def feed(self, piece: bytes) -> Generator[bytes]:
        """Take the next bytes of the body; gives what they decode to.

        Raises:
            MalformedResponseError: the body is too long, as sent or decoded, or cannot be decoded.
        """
        self._left -= len(piece)
        if self._left < 0:
            raise self._error(f"is over {self._limit:,} bytes")
        if self.plain:
            yield piece
            return
        if not self._compressed:
            raise self._error("is encoded in a way that was not asked for")
        try:
            yield from self._inflated(piece)
        except zlib.error as error:
            raise self._error(f"cannot be decoded: {error}") from None

    def _inflated(self, piece: bytes) -> Generator[bytes]:
        if self._zlib is None and piece:
            # The standard means zlib's form by deflate; some servers send the bare stream.
            bare = piece[0] & 0x0F != zlib.DEFLATED
            self._zlib = zlib.decompressobj(_RAW if bare else _ZLIB)
        while piece and self._zlib is not None and not self._zlib.eof:
            decoded = self._zlib.decompress(piece, _STEP)
            self._decoded += len(decoded)
            if self._decoded > MAX_DECODED:
                raise self._error(f"is over {MAX_DECODED:,} bytes when it is decoded")
            piece = self._zlib.unconsumed_tail
            if self._zlib.eof and self._zlib.unused_data.startswith(_MAGIC):
                piece = self._next_member(self._zlib.unused_data)
            if decoded:
                yield decoded

    def _next_member(self, rest: bytes) -> bytes:
        """Continue after a gzip member, since a file may have several."""
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise self._error(f"has over {_MOST_MEMBERS} members")
        self._zlib = zlib.decompressobj(_GZIP)
        return rest

    def _error(self, what: str) -> Exception:
        said = f"the reply (content-encoding {self._encoding[:40]}) {what}"
        return self._place.error(MalformedResponseError, said, self._status)
