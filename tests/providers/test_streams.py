"""A streamed reply gives the completion that it gives when it is sent whole, on both wires."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.types import Completion, Usage
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask, obedient

STREAM = {"content-type": "text/event-stream"}


def sse(*events: object, done: bool = True) -> bytes:
    """The events as a stream; bytes stand as they are."""
    lines = [e if isinstance(e, bytes) else b"data: " + json.dumps(e).encode() for e in events]
    return b"".join(line + b"\n\n" for line in [*lines, *[b"data: [DONE]"] * done])


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish, **more}]}


async def streamed(
    body: bytes | dict[str, Any], kind: str = "text/event-stream"
) -> tuple[Completion, str]:
    """The completion of a stream, and what was told of its text."""
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: RawReply(body, headers={"content-type": kind})
    pieces: list[str] = []
    async with server, OpenAIProvider("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            (completion,) = await model.complete(ask(), pieces.append)
    assert server.counters.requests == 1
    return completion, "".join(pieces)


async def whole(message: object, finish: str = "stop") -> Completion:
    server = LoopbackServer(FunctionProvider(obedient))
    choice = {"index": 0, "finish_reason": finish, "message": message}
    server.answer = lambda _: RawReply({"choices": [choice]})
    async with server, OpenAIProvider("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            (completion,) = await model.complete(ask())
    return completion


def facts(completion: Completion) -> tuple[str, str | None, str]:
    return completion.text, completion.reasoning, completion.finish_reason


HM = [{"type": "text", "text": "hm"}]
# The deltas of a stream, the message that they are together, and its text and thinking.
SAME: list[tuple[list[dict[str, Any]], dict[str, Any], str, str | None]] = [
    (
        [{"content": [{"type": "thinking", "thinking": HM}]}, {"content": "It is 4."}],
        {"content": [{"type": "thinking", "thinking": HM}, {"type": "text", "text": "It is 4."}]},
        "It is 4.",
        "hm",
    ),
    (
        [{"content": [{"type": "text", "text": each}]} for each in "42"],
        {"content": [{"type": "text", "text": each} for each in "42"]},
        "42",
        None,
    ),
    ([{"content": {"type": "text", "text": "4"}}], {"content": {"type": "text", "text": "4"}},
     "4", None),
    ([{"content": ["4", "2"]}], {"content": ["4", "2"]}, "42", None),
    (
        [{"content": [{"type": "output_text", "text": "4"}]}],
        {"content": [{"type": "output_text", "text": "4"}]},
        "4",
        None,
    ),
    ([{"content": [{"type": "image", "url": "x"}, "4"]}], {"content": [{"type": "odd"}, "4"]},
     "4", None),
    ([{"reasoning_content": HM}, {"content": "4"}], {"reasoning_content": HM, "content": "4"},
     "4", "hm"),
    ([{"reasoning": {"text": "hm"}}, {"content": "4"}],
     {"reasoning": {"text": "hm"}, "content": "4"}, "4", "hm"),
    ([{"reasoning_content": 7}, {"content": "4"}], {"reasoning_content": 7, "content": "4"}, "4",
     None),
    ([{"reasoning": "h"}, {"reasoning": "m"}, {"content": "4"}],
     {"reasoning": "hm", "content": "4"}, "4", "hm"),
    ([{"thinking": "hm"}, {"content": "4"}], {"thinking": "hm", "content": "4"}, "4", "hm"),
    (
        [{"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, {"content": "4"}],
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}], "content": "4"},
        "4",
        "hm",
    ),
    ([{"content": "<think>h"}, {"content": "m</think>\n4"}], {"content": "<think>hm</think>\n4"},
     "4", "hm"),
    ([{"content": None}, {"content": "4"}], {"content": "4"}, "4", None),
    (
        [
            {"tool_calls": [{"index": 0, "function": {"name": "reply", "arguments": '{"a"'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
        ],
        {"content": None, "tool_calls": [{"function": {"name": "reply", "arguments": '{"a": 1}'}}]},
        '{"a": 1}',
        None,
    ),
    (
        [{"tool_calls": [{"function": {"name": "reply", "arguments": {"a": 1}}}]}],
        {"tool_calls": [{"function": {"name": "reply", "arguments": {"a": 1}}}]},
        '{"a": 1}',
        None,
    ),
    (
        [{"tool_calls": [{"function": None}]}, {"tool_calls": "odd"}, {"content": "4"}],
        {"content": "4", "tool_calls": [{"function": None}]},
        "4",
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("deltas", "message", "text", "thinking"), SAME)
async def test_whole_and_streamed_replies_give_the_same_completion(
    deltas: Sequence[dict[str, Any]], message: dict[str, Any], text: str, thinking: str | None
) -> None:
    by_stream, told = await streamed(sse(*map(chunk, deltas), chunk(finish="stop")))
    at_once = await whole(message)
    assert facts(by_stream) == facts(at_once) == (text, thinking, "stop")
    assert told == text


async def test_a_streamed_refusal_is_told_and_ends_by_the_filter() -> None:
    stream = sse(chunk({"refusal": "I can't"}), chunk({"refusal": " help."}), chunk(finish="stop"))
    by_stream, told = await streamed(stream)
    at_once = await whole({"content": None, "refusal": "I can't help."})
    assert facts(by_stream) == facts(at_once) == ("I can't help.", None, "content_filter")
    assert told == "I can't help."


@pytest.mark.parametrize(
    "noise",
    [
        b"data:",
        b"data: ",
        b"data: ping",
        b"data: null",
        b"data: : OPENROUTER PROCESSING",
        b": OPENROUTER PROCESSING",
        b"event: ping",
        b"id: 7",
        b"retry: 100",
        b'data: {"choices": []}',
        b'data: {"choices": null}',
        b'data: {"choices": [{"index": 0, "delta": null}]}',
        b"data: []",
        b"odd",
    ],
)
async def test_an_event_that_holds_no_chunk_is_skipped(noise: bytes) -> None:
    stream = sse(noise, chunk({"content": "4"}), noise, chunk({"content": "2"}, "stop"), noise)
    completion, told = await streamed(stream)
    assert facts(completion) == ("42", None, "stop")
    assert told == "42"


async def test_a_byte_order_mark_and_other_line_ends_are_read() -> None:
    stream = sse(chunk({"content": "4"}), chunk({"content": "2"}, "stop"))
    for odd in (
        b"\xef\xbb\xbf" + stream,
        stream.replace(b"\n", b"\r\n"),
        stream.replace(b"\n", b"\r"),
        stream.replace(b"data: ", b"data:"),
        stream.rstrip(),
        stream.replace(b"data: [DONE]\n\n", b""),
    ):
        assert facts((await streamed(odd))[0]) == ("42", None, "stop")


async def test_an_event_may_have_its_data_on_several_lines() -> None:
    lines = json.dumps(chunk({"content": "4"}, "stop"), indent=1).splitlines()
    stream = b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"
    assert (await streamed(stream))[0].text == "4"


async def test_a_stream_that_ends_by_its_mark_alone_is_complete() -> None:
    assert facts((await streamed(sse(chunk({"content": "4"}))))[0]) == ("4", None, "stop")
    with pytest.raises(errors.MalformedResponseError, match="ended before"):
        await streamed(sse(chunk({"content": "4"}), done=False))
    with pytest.raises(errors.MalformedResponseError, match="ended before"):
        await streamed(sse(chunk({"role": "assistant"})))


async def test_an_endpoint_that_ignores_stream_is_read_as_a_whole_reply() -> None:
    body = {"choices": [{"finish_reason": "stop", "message": {"content": "<think>hm</think>4"}}]}
    for kind in ("application/json", "text/event-stream", "text/plain"):
        completion, told = await streamed(body, kind)
        assert facts(completion) == ("4", "hm", "stop")
        assert told == "4"
    with pytest.raises(errors.RateLimitedError, match="slow down"):
        await streamed({"error": {"message": "slow down", "code": 429}}, "application/json")


async def test_an_endpoint_that_always_streams_is_read_as_a_stream() -> None:
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: RawReply(sse(chunk({"content": "4"}, "stop")), headers=STREAM)
    async with server, OpenAIProvider("loopback", base_url=server.url, api_key=server.key) as model:
        assert (await model.complete(ask()))[0].text == "4"


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error": {"message": "slow down", "code": 429}}',
        b'data: [{"error": {"message": "slow down", "code": 429}}]',
        b'event: error\ndata: {"message": "slow down", "code": "429"}',
        b'event: error\ndata: {"error": {"message": "slow down", "code": 429}}',
        b'error: {"code": 429, "message": "slow down"}',
        b'data: {"object": "error", "message": "slow down", "code": 429}',
        sse(chunk({}, "error", error={"code": 429, "message": "slow down"})),
        sse(chunk({"content": ""}, "error") | {"error": {"code": 429, "message": "slow down"}}),
    ],
)
async def test_an_error_in_a_stream_is_that_error_in_every_form(error: bytes) -> None:
    with pytest.raises(errors.RateLimitedError, match="slow down"):
        await streamed(sse(chunk({"content": "The answer"}), error))


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ([{"choices": [{"message": {"content": each}}]} for each in "42"], "42"),
        ([{"choices": [{"text": "4"}]}, {"choices": [{"text": "2"}]}], "42"),
        (
            [chunk({"content": "4"}), chunk({}, "stop", message={"content": "4"})],
            "4",
        ),
    ],
)  # fmt: skip
async def test_what_a_chunk_adds_may_stand_under_another_name(
    chunks: list[dict[str, Any]], text: str
) -> None:
    completion, told = await streamed(sse(*chunks))
    assert completion.text == told == text


async def test_a_stream_of_one_answer_that_carries_another_index_is_told_apart() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]}
    both = sse(other, chunk({"content": "4"}), other, chunk({"content": "2"}, "stop"))
    assert await streamed(both) is not None
    completion, told = await streamed(both)
    assert completion.text == told == "42"
    completion, told = await streamed(sse(other))
    assert completion.text == told == "other"


async def test_what_the_callers_own_function_raises_is_its_own() -> None:
    def on_text(_: str) -> None:
        raise ZeroDivisionError("mine")

    server = LoopbackServer(FunctionProvider(obedient))
    for made in (OpenAIProvider, AnthropicProvider):
        async with server, made("loopback", base_url=server.url, api_key=server.key) as model:
            with pytest.raises(ZeroDivisionError, match="mine"):
                await model.complete(ask(), on_text)


# --- the messages wire ----------------------------------------------------------------------

START = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 7}}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}


def block(*pieces: str) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": p}}
            for p in pieces
        ),
        {"type": "content_block_stop", "index": 0},
    ]


async def message(body: bytes | dict[str, Any]) -> tuple[Completion, str]:
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: RawReply(body, headers=STREAM)
    pieces: list[str] = []
    provider = AnthropicProvider
    async with server, provider("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            (completion,) = await model.complete(ask(), pieces.append)
    return completion, "".join(pieces)


@pytest.mark.parametrize("noise", [b"data:", b"data: ping", b"data: null", b": ping", b"data: 7"])
async def test_the_messages_wire_skips_events_that_hold_nothing(noise: bytes) -> None:
    completion, told = await message(sse(START, noise, *block("4", "2"), noise, END))
    assert (completion.text, told, completion.usage.tokens) == ("42", "42", 9)


async def test_the_messages_wire_reads_a_block_without_its_start() -> None:
    completion, told = await message(sse(START, *block("4", "2")[1:], END))
    assert completion.text == told == "42"


async def test_a_messages_endpoint_that_ignores_stream_is_read_as_a_whole_reply() -> None:
    reply = {
        "type": "message",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "4"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }
    completion, told = await message(reply)
    assert (completion.text, completion.reasoning, told) == ("4", "hm", "4")
    with pytest.raises(errors.OverloadedError, match="Overloaded"):
        await message(
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        )


@pytest.mark.parametrize(
    "error",
    [
        (
            b"event: error\n"
            b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'
        ),
        b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}',
        b'event: error\ndata: {"type": "overloaded_error", "message": "busy"}',
    ],
)  # fmt: skip
async def test_an_error_in_a_stream_of_the_messages_wire_is_that_error(error: bytes) -> None:
    with pytest.raises(errors.OverloadedError, match="busy"):
        await message(sse(START, *block("The answer"), error))


@pytest.mark.parametrize(
    "answer", [[], [chunk({"content": None})], [chunk({"content": 7}, "stop")]]
)
@pytest.mark.parametrize("end", [[], [{"error": {"message": "the worker died", "code": 500}}]])
@pytest.mark.parametrize("done", [True, False])
async def test_the_usage_of_a_whole_stream_without_an_answer_stands_with_its_failure(
    answer: list[Any], end: list[Any], done: bool
) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}
    with pytest.raises(errors.ProviderError) as caught:
        await streamed(sse(*answer, usage, *end, done=done))
    # What a stream has before it breaks off is no total.
    known = Usage(input_tokens=7, output_tokens=5, requests=1, cost=None)
    assert caught.value.usage == (known if done else None)


LAST = chunk({"content": "4"}, "stop")


@pytest.mark.parametrize(
    "body",
    [
        sse(LAST) + sse(chunk({"content": " EVIL"}), {"error": {"message": "late"}}),
        sse({"choices": [None]}, {"choices": [7, None]}, {"choices": None}, LAST),
        sse(chunk({"content": {"type": "text", "text": {"value": "4"}}}, "stop")),
    ],
    ids=["behind the end", "odd choices", "a text of an object"],
)
async def test_what_is_no_part_of_the_answer_does_not_change_it(body: bytes) -> None:
    completion, told = await streamed(body)
    assert (completion.text, told) == ("4", "4")


@pytest.mark.parametrize("start", [b"id: 7\nretry: 5\n", b": ping\n\n", b"event: message\n", b"\n"])
@pytest.mark.parametrize("kind", ["text/event-stream; charset=utf-8", "application/json"])
async def test_a_stream_that_nobody_asked_for_may_begin_with_any_field(
    start: bytes, kind: str
) -> None:
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: RawReply(start + sse(LAST), headers={"content-type": kind})
    async with server, OpenAIProvider("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            (completion,) = await model.complete(ask())
    assert completion.text == "4"


async def test_bytes_of_no_character_are_replaced_and_cost_no_answer() -> None:
    body = sse(LAST).replace(b'"4"', b'"4\xe9\xff"')
    completion, told = await streamed(body)
    assert completion.text == told == "4\ufffd\ufffd"
    reply = json.dumps({"choices": [{"index": 0, "message": {"content": "4"}}]}).encode()
    completion, told = await streamed(reply.replace(b'"4"', b'"4\xff"'), "application/json")
    assert completion.text == told == "4\ufffd"


@pytest.mark.parametrize("given", [{}, {"stop_reason": None}, {"stop_reason": ["end_turn"]}])
async def test_a_whole_message_without_a_reason_to_stop_is_complete(given: dict[str, Any]) -> None:
    body = {"type": "message", "content": [{"type": "text", "text": "4"}], **given}
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: RawReply(body)
    async with (
        server,
        AnthropicProvider("loopback", base_url=server.url, api_key=server.key) as model,
    ):
        with anyio.fail_after(10):
            (completion,) = await model.complete(ask())
    assert (completion.text, completion.finish_reason) == ("4", "stop")
