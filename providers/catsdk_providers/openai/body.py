"""Reads the body of a chat completion, streamed or not, as one object."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import anyio.lowlevel

from catsdk.core.errors import MalformedResponseError, ProviderError
from catsdk_providers.http.refusals import Place, reported
from catsdk_providers.http.text import NOT_THE_WIRE, parsed
from catsdk_providers.http.told import Told
from catsdk_providers.http.words import says_something
from catsdk_providers.openai.choices import usage_of
from catsdk_providers.openai.reply import Reply
from catsdk_providers.openai.stream import Collected, ReportedError

__all__ = ["body_of", "object_in", "streamed_body_of"]

# Bytes of a stream that are read before yielding to other calls.
_AT_ONCE = 2**14


async def body_of(reply: Reply, place: Place) -> object:
    """Read a reply that was asked for whole.

    Raises:
        ProviderError: it reports an error, or is not of the wire.
    """
    content = await reply.content()
    if _is_stream(content, reply.headers.get("content-type") or ""):
        # This endpoint streams even if it is not asked to.
        return await _collected(_once(content), None, place)
    return object_in(content, reply.headers.get("content-type"), place)


def _is_stream(content: bytes, kind: str) -> bool:
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if kind.lower().startswith("text/event-stream"):
        return bool(start) and start[:1] not in {b"{", b"["}
    return start.startswith((b"data:", b"event:", b"id:", b"retry:", b":"))


async def streamed_body_of(reply: Reply, told: Told, place: Place) -> object:
    """Read a reply that was asked for as a stream, and pass its text on. Raises as `body_of`."""
    async with aclosing(reply.pieces()) as pieces:
        return await _collected(pieces, told, place, reply.headers.get("content-type"))


def object_in(content: bytes, kind: str | None, place: Place) -> object:
    """The JSON of a body of the content type `kind`. Raises as `body_of` does."""
    try:
        body = parsed(content)
    except NOT_THE_WIRE as error:
        said = f"the reply ({(kind or 'no content type')[:100]}) is not JSON: {str(error)[:200]}"
        raise place.error(MalformedResponseError, said, 200) from None
    if isinstance(body, dict) and not body.get("choices"):
        if says_something(body.get("error")):
            raise reported(body["error"], place)
        if body.get("object") == "error" or ("code" in body and "message" in body):
            raise reported(body, place)
    return body


async def _collected(
    pieces: AsyncIterable[bytes], told: Told | None, place: Place, kind: str | None = None
) -> object:
    collected = Collected()

    def tell(text: str) -> None:
        if told is not None:
            told.feed(text)

    try:
        async for piece in pieces:
            for at in range(0, len(piece), _AT_ONCE):
                tell(collected.add(piece[at : at + _AT_ONCE]))
                # Yield to other calls, which a fast server would keep waiting.
                await anyio.lowlevel.checkpoint()
        tell(collected.end())
    except ReportedError as error:
        raise _with_usage(reported(error.body, place), collected) from None
    except NOT_THE_WIRE as error:
        said = f"the stream holds no chunk: {str(error)[:200]}"
        raise place.error(MalformedResponseError, said, 200) from None
    if collected.whole is not None:
        return object_in(collected.whole, kind, place)
    if collected.broken is not None:
        said = f"the stream holds no chunk: {str(collected.broken)[:200]}"
        raise _with_usage(place.error(MalformedResponseError, said, 200), collected)
    if not collected.complete:
        other = f" (it said {collected.other!r})" if collected.other else ""
        said = f"the stream ended before the answer did{other}"
        raise _with_usage(place.error(MalformedResponseError, said, 200), collected)
    return collected.body()


def _with_usage(error: ProviderError, collected: Collected) -> ProviderError:
    """`error` with the usage that a stream reported at its end; before that it is no total."""
    usage = usage_of(collected.usage)
    if collected.done and not usage.unreported:
        error.usage = usage
    return error


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content
