"""Connections that hostile clients open: many requests in one, odd methods, and early ends."""

from __future__ import annotations

import gzip
import json
from typing import Any

import anyio
import pytest

from catsdk.testing import FunctionProvider, LoopbackServer, Weather
from tests.serve.gateways import Stepping, body, post, served, texts
from tests.serve.wire_by_hand import answer_to, raw, received

PATH = "/v1/chat/completions"
CLOSE = "Connection: close\r\n"


def request(
    content: Any = None,
    *headers: str,
    method: str = "POST",
    path: str = PATH,
    host: str = "localhost",
    version: str = "1.1",
) -> bytes:
    """A request as it is written; a body of bytes has no length beside those in `headers`."""
    lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", *headers]
    if content is not None and not isinstance(content, bytes):
        content = json.dumps(content).encode()
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (content or b"")


def status_of(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


PLAIN = body("function")


async def test_requests_that_are_sent_together_are_answered_one_after_the_other() -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        asked = [request({**PLAIN, "stream": at % 2 == 1, "seed": at}) for at in range(3)]
        said = await answer_to(address, b"".join([*asked, request(PLAIN, "Connection: close")]))
    assert said.count(b"HTTP/1.1 200 ") == 4
    assert [each.seed for each in policy.requests] == [0, 1, 2, None]


@pytest.mark.behaviour("gateway-reads-one-meaning")
async def test_nothing_behind_a_refused_request_is_read_as_another_one() -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        for refused in (
            request(body("unknown")),
            request(gzip.compress(b" " * 10**6), "Content-Encoding: gzip", "Content-Length: 9"),
            request({"model": 1}),
            request(PLAIN, "Origin: http://evil.example"),
        ):
            said = await answer_to(address, refused + request(PLAIN))
            assert 400 <= status_of(said) < 500
            assert said.count(b"HTTP/1.1 ") == 1
    assert policy.requests == []


CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(json.dumps(PLAIN)), json.dumps(PLAIN).encode())


@pytest.mark.behaviour("gateway-reads-one-meaning")
@pytest.mark.parametrize(
    "asked",
    [
        # An old proxy knows no chunks: what it takes for the next request would be in the body.
        request(CHUNKED, "Transfer-Encoding: chunked", version="1.0"),
        request(CHUNKED, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        request(CHUNKED, "Transfer-Encoding: chunked, chunked"),
        request(CHUNKED, "Transfer-Encoding: identity"),
        request(CHUNKED, "Transfer-Encoding: \x0bchunked"),
        request(b"0x" + CHUNKED, "Transfer-Encoding: chunked"),
        request(b"-" + CHUNKED, "Transfer-Encoding: chunked"),
        request(CHUNKED.replace(b"\r\n", b";a\nb\r\n", 1), "Transfer-Encoding: chunked"),
        request(CHUNKED.replace(b"}\r\n0", b"}XX0"), "Transfer-Encoding: chunked"),
        request(b"{}", "Content-Length: -2"),
        request(b"{}", "Content-Length: 0x2"),
        request(b"{}", "Content-Length: 0_2"),
        request(b"{}", f"Content-Length: {'9' * 30}"),
        # The second header says what the first one hides.
        request(PLAIN, "Content-Encoding: identity", "Content-Encoding: gzip"),
        request(PLAIN, "Content-Encoding: gzip, identity"),
        request(PLAIN, "Authorization: Bearer a", "Authorization: Bearer b"),
        request(PLAIN, "X-Api-Key: a", "x-api-key: b"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /health\r\n\r\n",
    ],
)
async def test_what_a_proxy_may_understand_in_another_way_is_refused(asked: bytes) -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        said = await answer_to(address, asked)
    assert 400 <= status_of(said) < 500
    assert said.count(b"HTTP/1.1 ") == 1
    assert policy.requests == []


async def test_chunks_are_read_with_what_may_stand_beside_them() -> None:
    async with served(FunctionProvider(texts)) as address:
        extended = CHUNKED.replace(b"\r\n", b";a=b\r\n", 1)
        trailed = CHUNKED.replace(b"0\r\n\r\n", b"0\r\nContent-Length: 3\r\nX-Api-Key: x\r\n\r\n")
        for content in (CHUNKED, extended, trailed):
            asked = request(content, "Transfer-Encoding: chunked", "Connection: close")
            assert status_of(await answer_to(address, asked)) == 200


@pytest.mark.behaviour("gateway-is-this-machine-s-own")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("evil@localhost", 403),
        ("localhost@evil.example", 403),
        ("localhost/evil", 403),
        ("localhost?evil", 403),
        ("localhost#evil", 403),
        ("localhost:80:90", 403),
        ("localhost, evil", 403),
        ("localhost.evil.example", 403),
        ("localhost ", 200),
        ("evil.example:localhost", 403),
        ("::1", 403),
        ("", 403),
    ],
)
async def test_without_keys_only_names_of_this_machine_are_answered(host: str, status: int) -> None:
    async with served(FunctionProvider(texts)) as address:
        asked = request(None, "Connection: close", method="GET", path="/v1/models", host=host)
        assert status_of(await answer_to(address, asked)) == status


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get"])
async def test_a_method_that_is_not_taken_is_refused_and_those_that_are_are_named(
    method: str,
) -> None:
    async with served(FunctionProvider(texts)) as address:
        for path, taken in ((PATH, b"POST"), ("/v1/models", b"GET, HEAD"), ("/health", b"GET")):
            asked = request(None, "Connection: close", method=method, path=path)
            said = await answer_to(address, asked)
            head, _, told = said.partition(b"\r\n\r\n")
            assert status_of(said) == 405
            (allowed,) = [line for line in head.split(b"\r\n") if line.startswith(b"allow: ")]
            assert set(taken.split(b", ")) <= set(allowed.removeprefix(b"allow: ").split(b", "))
            assert f"takes no {method}" in json.loads(told)["error"]["message"]
            # No page of another site is told that it may ask.
            assert b"access-control" not in head.lower()


async def test_a_head_says_what_a_get_would_without_a_body() -> None:
    async with served(FunctionProvider(texts)) as address:
        for path, status in (("/health", 200), ("/v1/models", 200), (PATH, 405)):
            said = await answer_to(
                address, request(None, "Connection: close", method="HEAD", path=path)
            )
            assert status_of(said) == status
            assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.0"])
async def test_no_other_protocol_is_switched_to(protocol: str) -> None:
    async with served(FunctionProvider(texts)) as address:
        switch = ("Connection: close, Upgrade", f"Upgrade: {protocol}")
        key = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
        said = await answer_to(address, request(None, *switch, *key, method="GET"))
        assert status_of(said) == 405
        assert status_of(await answer_to(address, request(PLAIN, *switch))) == 200


async def test_a_path_with_a_slash_too_many_is_not_found_and_not_sent_elsewhere() -> None:
    async with served(FunctionProvider(texts)) as address:
        for path in (f"{PATH}/", "/v1/runs/a/", "/v1/messages/", f"/{PATH}", "//evil.example/"):
            said = await answer_to(address, request(PLAIN, "Connection: close", path=path))
            assert status_of(said) in (404, 405)
            assert b"location:" not in said.lower()


async def test_a_path_cannot_write_a_header() -> None:
    async with served(FunctionProvider(texts)) as address:
        path = "/v1/models/x%0d%0aSet-Cookie:%20a=b"
        said = await answer_to(address, request(None, CLOSE.strip(), method="GET", path=path))
        head, _, _ = said.partition(b"\r\n\r\n")
        assert status_of(said) == 404
        assert b"set-cookie" not in head.lower()


async def test_a_client_may_ask_whether_it_should_send_its_body() -> None:
    async with served(FunctionProvider(texts), limits={"body": 1024}) as address:
        content = json.dumps(PLAIN).encode()
        asked = request(b"", "Expect: 100-continue", f"Content-Length: {len(content)}")
        async with await raw(address, asked) as stream:
            assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
            await stream.send(content)
            assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")
        large = request(b"", "Expect: 100-continue", "Content-Length: 2000")
        assert status_of(await answer_to(address, large)) == 413


async def answering(address: str) -> int:
    said = await answer_to(address, request(None, CLOSE.strip(), method="GET", path="/health"))
    return int(json.loads(said.partition(b"\r\n\r\n")[2])["answering"])


@pytest.mark.behaviour("gateway-cancels-for-who-leaves")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("stage", ["header", "body", "rollouts", "anchor", "answer"])
async def test_a_client_may_leave_at_any_stage_and_its_place_is_free_again(
    monkeypatch: pytest.MonkeyPatch, stage: str, stream: bool
) -> None:
    model = Stepping("# SUMMARY\nSo.\n# UNIFIED RESPONSE\nIt is", " 4.")
    async with LoopbackServer(FunctionProvider(texts)) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", upstream.key)
        async with served(model, models=["openai:loopback"]) as address:
            name = "openai:loopback" if stage == "rollouts" else "stepping"
            asked = request({**body(f"cat/synthesis:{name}"), "stream": stream})
            cut = {"header": 20, "body": len(asked) - 1}.get(stage, len(asked))
            if stage == "rollouts":
                upstream.change(Weather(latency=3600))
            async with await raw(address, asked[:cut]) as connection:
                with anyio.fail_after(10):
                    if stage == "rollouts":
                        await upstream.until(lambda: upstream.counters.in_flight > 0)
                    elif stage in ("anchor", "answer"):
                        await model.began.wait()
                    if stage == "answer":
                        model.steps[0].set()
                        if stream:
                            assert b"It is" in await connection.receive()
            with anyio.fail_after(20):
                while await answering(address):
                    await anyio.lowlevel.checkpoint()
                if stage == "rollouts":
                    await upstream.until(lambda: upstream.counters.in_flight == 0)
            assert not model.ended
            assert (await post(address, body("stepping")))[0] == 200


@pytest.mark.behaviour("gateway-keys-are-apart")
async def test_requests_that_race_for_a_budget_do_not_exceed_it_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALICE_KEY", "alices-key")
    monkeypatch.setenv("BOB_KEY", "bobs-key")
    policy = FunctionProvider(texts)
    keys = {
        "alice": {"env": "ALICE_KEY", "budget": {"requests": 7}},
        "bob": {"env": "BOB_KEY", "budget": {"requests": 5}},
    }
    statuses: dict[str, list[int]] = {"alices-key": [], "bobs-key": []}
    async with served(policy, keys=keys) as address, anyio.create_task_group() as tasks:

        async def ask(key: str, at: int) -> None:
            asked = body("cat/majority:function", seed=at, cat={"n": 2})
            statuses[key].append((await post(address, asked, x_api_key=key))[0])

        for at in range(20):
            for key in statuses:
                tasks.start_soon(ask, key, at)
    assert len(policy.requests) == 12
    assert {key: sorted(each) for key, each in statuses.items()} == {
        "alices-key": [200] * 7 + [429] * 13,
        "bobs-key": [200] * 5 + [429] * 15,
    }


async def test_a_header_that_is_not_ascii_is_a_wrong_key_and_no_defect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALICE_KEY", "alices-key")
    keys = {"alice": {"env": "ALICE_KEY"}}
    async with served(FunctionProvider(texts), keys=keys) as address:
        for header in (
            "Authorization: Bearer \xff\xfe",
            "X-Api-Key: \xe4",
            "Authorization: Bearer",
        ):
            said = await answer_to(address, request(PLAIN, header))
            assert status_of(said) == 401


async def test_a_connection_that_is_reset_behind_its_request_leaves_no_trace() -> None:
    async with served(FunctionProvider(texts)) as address:
        for _ in range(20):
            stream = await raw(address, request(PLAIN))
            await stream.aclose()
        with anyio.fail_after(20):
            while await answering(address):
                await anyio.lowlevel.checkpoint()
        async with await raw(address, request(PLAIN, CLOSE.strip())) as stream:
            assert (await received(stream)).startswith(b"HTTP/1.1 200 ")
