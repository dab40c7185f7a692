"""Azure's dialect of Files and Batches, in front of the loopback server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from catsdk.testing import LoopbackServer

__all__ = ["AzureFront"]

PATH = "/chat/completions"
"""What a batch and its lines name; with the version the service refuses them."""


class AzureFront:
    """Serves `/openai/v1` to those who send `api-key`, as Azure does.

    An uploaded file is looked over first: no batch can be made of it until it has been asked for
    `looks` times. A deployment is named in the lines.

    Args:
        server: Answers behind it.
        looks: How often a file is `pending`.
    """

    def __init__(self, server: LoopbackServer, looks: int = 1) -> None:
        self._server, self._looks = server, looks
        self.pending: dict[str, int] = {}
        self.early = 0

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str]:
        """Serve until the end of the block; gives the address."""
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/openai/v1/{rest:.*}", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}/openai/v1"
        finally:
            await runner.cleanup()

    async def _handle(self, http: web.Request) -> web.Response:
        if http.headers.get("api-key") != self._server.key:
            return _error(401, "401", "Access denied due to invalid subscription key")
        rest, body = http.match_info["rest"], await http.read()
        if rest == "batches" and http.method == "POST":
            asked = json.loads(body)
            if self.pending.get(asked["input_file_id"]):
                self.early += 1
                return _error(400, "invalid_input_file", "The file is not processed yet")
            if asked["endpoint"] != PATH:
                return _error(400, "invalid_endpoint", f"The endpoint must be {PATH}")
        status, kind, content = await self._passed_on(http, rest, body)
        if rest.startswith("files") and kind == "application/json" and status == 200:
            content = self._looked_over(json.loads(content), uploaded=http.method == "POST")
        return web.Response(status=status, body=content, content_type=kind)

    async def _passed_on(self, http: web.Request, rest: str, body: bytes) -> tuple[int, str, bytes]:
        kept = {"Content-Type": http.headers.get("Content-Type", "application/json")}
        headers = kept | {"Authorization": f"Bearer {self._server.key}"}
        url = f"{self._server.url}/{rest}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                http.method, url, params=http.query, data=body or None, headers=headers
            ) as reply,
        ):
            return reply.status, reply.content_type, await reply.read()

    def _looked_over(self, file: dict[str, object], *, uploaded: bool) -> bytes:
        id = str(file["id"])
        self.pending[id] = self._looks if uploaded else max(0, self.pending[id] - 1)
        return json.dumps(
            file | {"status": "pending" if self.pending[id] else "processed"}
        ).encode()


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
