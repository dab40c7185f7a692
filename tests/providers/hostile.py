"""Replies of a hostile or broken service: good ones of both wires, changed at random by a seed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from catsdk.testing.wire import RawReply

__all__ = ["chat_reply", "messages_reply"]

Json = Any
_USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2}}
_CHOICE = {
    "index": 0,
    "finish_reason": "stop",
    "message": {"role": "assistant", "content": "The answer is 4.", "reasoning_content": "hm"},
    "logprobs": {"content": [{"token": "4", "logprob": -0.1, "top_logprobs": []}]},
}
_CHUNKS = [
    {"role": "assistant"},
    {"reasoning_content": "hm"},
    {"content": "The answer"},
    {"content": " is 4."},
    {"tool_calls": [{"index": 0, "function": {"name": "reply", "arguments": "{}"}}]},
    {"refusal": None},
]
_MESSAGE = {
    "type": "message",
    "model": "m",
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "4"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 7,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 1},
    },
}
_EVENTS = [
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 7}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "4"}},
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "thinking_delta", "thinking": "h"},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]
_ODD: list[Callable[[Random], Json]] = [
    lambda _: None, lambda _: "", lambda _: 0, lambda _: -1, lambda _: True, lambda _: 7.5,
    lambda _: [], lambda _: {}, lambda _: [[]], lambda _: [None], lambda _: {"a": {"b": []}},
    lambda _: float("inf"), lambda _: float("nan"), lambda _: 10**400, lambda _: -(10**30),
    lambda _: "\ud800", lambda _: "x" * 2_000, lambda _: "error", lambda _: "null",
    lambda _: {"message": "odd", "code": 429, "type": ["a"]}, lambda _: "content_filter: ODD",
    lambda _: [{"type": "text", "text": "4"}], lambda _: [{"type": "thinking", "thinking": [7]}],
    lambda r: _nested(r.choice([5, 50, 400])), lambda r: [{}] * r.choice([10, 5_000]),
    lambda r: {str(at): at for at in range(r.choice([3, 300]))},
]  # fmt: skip
_STATUSES = [200] * 12 + [201, 204, 301, 307, 400, 401, 404, 422, 429, 500, 503, 599]
_HEADERS: list[dict[str, str]] = [
    {"content-type": "text/event-stream"}, {"content-type": "application/json; charset=hex"},
    {"content-type": "application/json; charset=idna"}, {"content-type": ""},
    {"content-type": "text/html; charset=\u00e9"}, {"content-encoding": "br"},
    {"content-encoding": "gzip"}, {"content-encoding": "deflate"},
    {"retry-after": "Fri, 31 Dec 99999999 23:59:59 GMT"}, {"retry-after": "nan"},
    {"retry-after": "Fri, 31 Dec 9999 23:59:59 -2400"}, {"retry-after": "1e400"},
    {"location": "http://" + "a" * 70 + ".example/"}, {"location": "/v1/other"},
    {"location": "http://["}, {"x-request-id": "r" * 5_000}, {"request-id": "\u00ff"},
    {"set-cookie": "a=b; Max-Age=odd"}, {"link": "<x"},
]  # fmt: skip


def _nested(depth: int) -> Json:
    value: Json = 7
    for _ in range(depth):
        value = [value]
    return value


def chat_reply(random: Random, *, streamed: bool) -> RawReply:
    """A reply of the chat wire."""
    if not streamed:
        choices = [{**deepcopy(_CHOICE), "index": at} for at in range(random.choice([1, 1, 2, 5]))]
        return _sent(random, {"choices": choices, "usage": deepcopy(_USAGE), "model": "m"})
    deltas = [
        {"choices": [{"index": 0, "delta": deepcopy(delta), "finish_reason": None}]}
        for delta in _CHUNKS
    ]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}
    return _streamed(random, [*deltas, end, {"choices": [], "usage": deepcopy(_USAGE)}])


def messages_reply(random: Random, *, streamed: bool) -> RawReply:
    """A reply of the messages wire."""
    if streamed:
        return _streamed(random, deepcopy(_EVENTS))
    return _sent(random, deepcopy(_MESSAGE))


def _sent(random: Random, body: Json) -> RawReply:
    for _ in range(random.choice([0, 1, 1, 2, 4])):
        body = _changed(random, body)
    return _packed(random, json.dumps(body).encode())


def _streamed(random: Random, events: list[Json]) -> RawReply:
    for _ in range(random.choice([0, 1, 1, 2, 4])):
        at = random.randrange(len(events))
        change = random.randrange(6)
        if change == 0 and len(events) > 1:
            del events[at]
        elif change == 1:
            events.insert(at, deepcopy(random.choice(events)))
        else:
            events[at] = _changed(random, events[at])
    lines = [b"data: " + json.dumps(event).encode() for event in events]
    for _ in range(random.choice([0, 0, 1, 3])):
        noise = [b"data:", b": ping", b"event: error", b"data: null", b"odd", b"error: {", b"\x00"]
        lines.insert(random.randrange(len(lines) + 1), random.choice(noise))
    end = random.choice([b"\n\n"] * 4 + [b"\r\n\r\n", b"\r\r", b"\n"])
    body = b"".join(line + end for line in [*lines, b"data: [DONE]"])
    return _packed(random, random.choice([b""] * 6 + [b"\xef\xbb\xbf", b"{", b"\n"]) + body)


def _changed(random: Random, body: Json) -> Json:
    """`body` with one value in it replaced, removed, repeated or renamed."""
    places = list(_places(body))
    if not places or random.random() < 0.03:
        return random.choice(_ODD)(random)
    holder, key = random.choice(places)
    change = random.randrange(8)
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, list):
        holder.append(deepcopy(holder[key]))
    elif change == 1:
        holder[random.choice(["error", "odd", "message", "choices"])] = holder.pop(key)
    elif change == 2 and isinstance(holder, dict):
        holder["error"] = random.choice(_ODD)(random)
    else:
        holder[key] = random.choice(_ODD)(random)
    return body


def _places(body: Json) -> Any:
    pairs = (
        list(body.items())
        if isinstance(body, dict)
        else list(enumerate(body[:20]))
        if isinstance(body, list)
        else []
    )
    for key, value in pairs[:40]:
        yield body, key
        if (
            isinstance(value, dict)
            or (isinstance(value, list) and len(value) > 1)
            or isinstance(value, list)
            and value
            and isinstance(value[0], dict)
        ):
            yield from _places(value)


def _packed(random: Random, body: bytes) -> RawReply:
    change = random.randrange(20)
    if change == 0:
        body = body[: random.randrange(len(body) + 1)]
    elif change == 1 and body:
        at = random.randrange(len(body))
        body = body[:at] + random.randbytes(3) + body[at + 1 :]
    elif change == 2:
        body = b"\xef\xbb\xbf" + body
    elif change == 3:
        body = b'{"choices": ' + b"[" * 50_000
    headers = dict(random.choice(_HEADERS)) if random.random() < 0.2 else {}
    packing = random.randrange(12)
    if packing == 0:
        body, headers = gzip.compress(body), {**headers, "content-encoding": "gzip"}
    elif packing == 1:
        body, headers = zlib.compress(body), {**headers, "content-encoding": "deflate"}
    elif packing == 2:
        body = gzip.compress(body)[: random.randrange(20, 60)]
        headers = {**headers, "content-encoding": "gzip"}
    return RawReply(body, random.choice(_STATUSES), headers)
