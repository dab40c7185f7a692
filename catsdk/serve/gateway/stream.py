"""Sends an answer as server-sent events, starting with the first piece."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.types import Receive, Scope, Send

from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.config import GatewayLimits
from catsdk.serve.gateway.running import Tell
from catsdk.serve.site.presence import while_connected
from catsdk.serve.site.problems import Problem, problem_of

__all__ = ["EventWriter", "StreamedAnswer"]

_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    # Tells nginx not to buffer the pieces.
    "x-accel-buffering": "no",
}


class EventWriter(Protocol):
    """Writes the events of one stream in a dialect; it is told of everything in order."""

    keep_alive: bytes

    def begin(self) -> bytes:
        """What stands before everything else."""
        ...

    def text(self, piece: str) -> bytes:
        """A piece of the answer."""
        ...

    def reasoning(self, piece: str) -> bytes:
        """A piece that is not part of the answer."""
        ...

    def end(self, answer: Answer) -> bytes:
        """What follows the last piece."""
        ...

    def failed(self, problem: Problem) -> bytes:
        """An error that the vendor's SDKs raise."""
        ...


@dataclass(frozen=True, slots=True)
class _Text:
    piece: str


@dataclass(frozen=True, slots=True)
class _Reasoning:
    piece: str


_Item = _Text | _Reasoning | Answer | Problem


class StreamedAnswer:
    """A response, as an ASGI application, that streams an answer while it is made.

    Nothing is sent before the first piece, or until `commit_after` seconds have passed: an error
    before that has its own status. An error after that is an event. When the client goes away, or
    takes nothing for too long, the work is cancelled.

    Args:
        work: Makes the answer, and tells of it meanwhile.
        writer: The dialect.
        refused: Answers a problem that came before anything was sent.
        limits: The times.
        headers: The headers that are known from the beginning.
        progress: Whether each step is told.
    """

    def __init__(
        self,
        work: Callable[[Tell], Awaitable[Answer]],
        writer: EventWriter,
        *,
        refused: Callable[[Problem], Callable[[Scope, Receive, Send], Awaitable[None]]],
        limits: GatewayLimits,
        headers: dict[str, str],
        progress: bool = False,
    ) -> None:
        """Prepare the response; the answer is made when it is called."""
        self._work, self._writer, self._refused = work, writer, refused
        self._limits, self._headers, self._progress = limits, headers, progress
        self._told: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the answer and send it."""
        out, into = anyio.create_memory_object_stream[_Item](float("inf"))

        async def respond() -> None:
            async with anyio.create_task_group() as tasks:
                # A client that reads nothing is treated as disconnected.
                with into, suppress(TimeoutError):
                    tasks.start_soon(self._make, out)
                    await self._pass_on(into, scope, receive, send)
                tasks.cancel_scope.cancel()

        await while_connected(receive, respond)

    async def _make(self, out: MemoryObjectSendStream[_Item]) -> None:
        def text(piece: str) -> None:
            self._told.append(piece)
            out.send_nowait(_Text(piece))

        def progress(line: str) -> None:
            out.send_nowait(_Reasoning(line))

        with out:
            try:
                answer = await self._work(Tell(text, progress if self._progress else None))
                out.send_nowait(self._checked(answer))
            except Exception as error:  # noqa: BLE001 - the client is told, whatever it is
                out.send_nowait(problem_of(error))

    def _checked(self, answer: Answer) -> Answer | Problem:
        """The answer; raise if the pieces already sent are not its beginning."""
        if answer.text.startswith("".join(self._told)):
            return answer
        return Problem(
            502,
            "the answer was replaced after its beginning had been sent; ask again, without stream"
            " or with a larger max_tokens",
            "replaced",
            facts={"cat": answer.facts},
        )

    async def _pass_on(
        self, into: MemoryObjectReceiveStream[_Item], scope: Scope, receive: Receive, send: Send
    ) -> None:
        first: _Item | None = None
        with anyio.move_on_after(self._limits.commit_after):
            first = await into.receive()
        if isinstance(first, Problem):
            await self._refused(first)(scope, receive, send)
            return
        await self._begin(send)
        before = self._writer.begin()
        if first is None:
            await self._send(send, before + self._writer.keep_alive)
            first = await self._next(into, send)
            before = b""
        item = first
        while True:
            items, ended = _at_once(item, into)
            await self._send(send, before + b"".join(map(self._written, items)), more=not ended)
            if ended:
                return
            before = b""
            item = await self._next(into, send)

    async def _next(self, into: MemoryObjectReceiveStream[_Item], send: Send) -> _Item:
        while True:
            with anyio.move_on_after(self._limits.keep_alive):
                return await into.receive()
            await self._send(send, self._writer.keep_alive)

    def _written(self, item: _Item) -> bytes:
        match item:
            case _Text(piece):
                return self._writer.text(piece)
            case _Reasoning(piece):
                return self._writer.reasoning(piece)
            case Problem():
                return self._writer.failed(item)
            case Answer():
                rest = item.text[len("".join(self._told)) :]
                return (self._writer.text(rest) if rest else b"") + self._writer.end(item)

    async def _begin(self, send: Send) -> None:
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in (_HEADERS | self._headers).items()
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _send(self, send: Send, content: bytes, *, more: bool = True) -> None:
        with anyio.fail_after(self._limits.send):
            await send({"type": "http.response.body", "body": content, "more_body": more})


def _at_once(first: _Item, into: MemoryObjectReceiveStream[_Item]) -> tuple[list[_Item], bool]:
    """`first` and all pieces that are already available, and whether the stream has ended."""
    items = [first]
    while not isinstance(items[-1], Answer | Problem):
        try:
            items.append(into.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            return items, False
    return items, True
