"""Reads the bodies of requests within limits: of time and size for each, and of size for all."""

from __future__ import annotations

from typing import Any, cast

import anyio
from starlette.requests import ClientDisconnect, Request

from catsdk.serve.site.problems import RETRY_AFTER, Problem
from catsdk.serve.site.strict_json import read_json

__all__ = ["Bodies"]


class Bodies:
    """Reads the bodies of requests.

    Args:
        each: Most bytes of one body.
        together: Most bytes of all bodies that are being read.
        seconds: Within which a body must be there.
    """

    def __init__(self, each: int, together: int, seconds: float) -> None:
        """Start with nothing being read."""
        self._each, self._seconds = each, seconds
        self._room = max(together, each)

    async def json(self, request: Request) -> dict[str, Any]:
        """Read the JSON object that a request sends.

        Args:
            request: The request.

        Raises:
            Problem: the body is too large, late, encoded, or not a JSON object that has one
                meaning; or too many bytes are being read.
        """
        content = await self.read(request)
        try:
            body: object = read_json(content)
        except ValueError as error:
            raise Problem(400, f"the body cannot be read as JSON: {error}") from None
        if not isinstance(body, dict):
            raise Problem(400, "the body is not a JSON object")
        return cast("dict[str, Any]", body)

    async def read(self, request: Request) -> bytes:
        """Read the body of a request.

        Args:
            request: The request.

        Raises:
            Problem: as for `json`.
        """
        encoding = ", ".join(request.headers.getlist("content-encoding"))
        if encoding.lower() not in ("", "identity"):
            raise Problem(415, f"the body is encoded as {encoding[:40]!r}; send it unencoded")
        size = self._claimed(request)
        if size > self._room:
            message = "as many bytes as are allowed are being read"
            raise Problem(429, message, "busy", RETRY_AFTER)
        self._room -= size
        try:
            with anyio.fail_after(self._seconds):
                return await self._arrived(request)
        except TimeoutError:
            message = f"the body did not arrive within {self._seconds:g} s"
            raise Problem(408, message, "timeout") from None
        except ClientDisconnect:
            raise Problem(400, "the body ended early") from None
        finally:
            self._room += size

    def _claimed(self, request: Request) -> int:
        """The bytes to reserve for a body: its declared length, or else the maximum."""
        length = request.headers.get("content-length")
        if length is None:
            return self._each if "transfer-encoding" in request.headers else 0
        # The server has already rejected a length that is not a number.
        if int(length) > self._each:
            raise self._too_large()
        return int(length)

    async def _arrived(self, request: Request) -> bytes:
        content = bytearray()
        async for piece in request.stream():
            content += piece
            if len(content) > self._each:
                raise self._too_large()
        return bytes(content)

    def _too_large(self) -> Problem:
        return Problem(413, f"the body is over {self._each:,} bytes", "too_large")
