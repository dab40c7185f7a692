"""How an answer reaches the client: whole, streamed, refused, broken off, without end, or never."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

import anyio
from aiohttp import web

from catsdk.testing.wire import Fault, Refusal, Wire, encoded

__all__ = ["PAUSE", "Delivery"]

# Seconds between two bytes of a trickle: even a short reply outlasts any timeout in a test.
PAUSE = 0.5

_PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
# Random bytes do not compress: what is sent exceeds any limit for compressed bodies.
_COMPRESSED = 2**20
_JSON = {"content-type": "application/json"}


@dataclass
class Delivery:
    """The answer to one request, with the fault to show on the way; `headers` are sent with it."""

    wire: Wire
    http: web.Request
    fault: Fault | None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def replaces_the_answer(self) -> bool:
        """Whether the fault needs no answer from the model."""
        return self.fault not in {None, "cut", "reported", "mistyped", "trickle"}

    def refused(self, refusal: Refusal, *, retry_after: float) -> web.Response:
        """Answer with an error."""
        waits = {"429": f"{retry_after:g}", "429_date": _PAST}
        if self.fault in waits:
            self.headers["retry-after"] = waits[self.fault]
        body = refusal.body
        if self.fault == "401":
            # Services repeat the key that they refuse.
            body = json.loads(
                json.dumps(body).replace("KEY", self.wire.key_of(self.http.headers) or "")
            )
        return web.json_response(body, status=refusal.status, headers=self.headers)

    async def without_answer(self) -> web.StreamResponse:
        """Show the fault instead of answering."""
        match self.fault:
            case "hang":
                await anyio.sleep_forever()
            case "endless":
                return await self._endless()
            case "bomb":
                return self._compressed()
            case "bad_gateway":
                return web.Response(
                    body=b"<html>bad gateway</html>",
                    status=502,
                    headers={**self.headers, "content-type": "text/html"},
                )
            case "reset":
                self._abort()
            case _:
                return self._broken()
        return web.Response(status=500)

    async def whole(self, reply: dict[str, Any]) -> web.StreamResponse:
        """Send the reply at once, or the first half of it."""
        if self.fault == "reported":
            return web.json_response(self.wire.reported, headers=self.headers)
        if self.fault is None:
            return web.json_response(reply, headers=self.headers)
        if self.fault == "mistyped":
            return web.json_response(reply, headers=self.headers, content_type="text/html")
        body = json.dumps(reply).encode()
        if self.fault == "trickle":
            return await self._trickled(body, "application/json")
        response = web.StreamResponse(headers={**_JSON, **self.headers})
        response.content_length = len(body)
        await response.prepare(self.http)
        await response.write(body[: len(body) // 2])
        self._abort()
        return response

    async def streamed(self, events: list[bytes]) -> web.StreamResponse:
        """Send the events: all, the first half of them, or a byte now and then."""
        if self.fault == "trickle":
            return await self._trickled(b"".join(events), "text/event-stream")
        response = await self._begun("text/event-stream")
        broken = self.fault in {"cut", "reported"}
        for event in events[: len(events) // 2] if broken else events:
            await response.write(event)
        if self.fault == "cut":
            self._abort()
            return response
        if self.fault == "reported":
            await response.write(encoded(self.wire.reported, "error"))
        await response.write_eof()
        return response

    async def _trickled(self, body: bytes, kind: str) -> web.StreamResponse:
        response = await self._begun(kind)
        for byte in body:
            await response.write(bytes([byte]))
            await anyio.sleep(PAUSE)
        await response.write_eof()
        return response

    def _broken(self) -> web.Response:
        kind = "text/html" if self.fault == "not_json" else "application/json"
        body = self.wire.broken[str(self.fault)]
        return web.Response(body=body, headers={**self.headers, "content-type": kind})

    def _compressed(self) -> web.Response:
        body = gzip.compress(Random(0).randbytes(_COMPRESSED))
        return web.Response(
            body=body, headers={**_JSON, **self.headers, "content-encoding": "gzip"}
        )

    async def _endless(self) -> web.StreamResponse:
        response = await self._begun("application/json")
        # Ends when the client disconnects: aiohttp then cancels the handler.
        while True:
            await response.write(b" " * 2**20)

    async def _begun(self, kind: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={**self.headers, "content-type": kind})
        await response.prepare(self.http)
        return response

    def _abort(self) -> None:
        if self.http.transport is not None:
            self.http.transport.abort()
