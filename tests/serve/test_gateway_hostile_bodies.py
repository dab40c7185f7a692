"""Bodies that mean two things, nothing, or too much, sent to each of the APIs."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import anyio
import pytest

from catsdk.serve.site.strict_json import read_json
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import body, post, served, texts

MESSAGES: Any = [{"role": "user", "content": "What is 2+2?"}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "function", "messages": MESSAGES},
    "/v1/responses": {"model": "function", "input": MESSAGES},
    "/v1/messages": {"model": "function", "messages": MESSAGES, "max_tokens": 64},
    "/v1/messages/count_tokens": {"model": "function", "messages": MESSAGES},
}
EACH = pytest.mark.parametrize("path", ASKED)


async def send(address: str, path: str, content: bytes) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(address + path, data=content) as response,
    ):
        return response.status, await response.json()


def with_value(path: str, name: str, value: str) -> bytes:
    """A request with a field whose value stands as it is written."""
    return json.dumps(ASKED[path])[:-1].encode() + f', "{name}": {value}}}'.encode()


@pytest.mark.behaviour("gateway-reads-one-meaning")
@EACH
async def test_a_name_that_stands_twice_is_refused_and_not_read_either_way(path: str) -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        for content in (
            with_value(path, "model", '"another"'),
            b'{"model": "another", ' + json.dumps(ASKED[path])[1:].encode(),
            with_value(path, "metadata", '{"a": {"b": 1, "b": 2}}'),
            with_value(path, "mode\\u006c", '"function"'),
        ):
            status, told = await send(address, path, content)
            assert status == 400
            assert "occurs twice in one object" in json.dumps(told)
    assert policy.requests == []


@EACH
@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 41, "9" * 100_000, "[1, NaN]"],
)
async def test_a_number_that_is_none_is_refused(path: str, value: str) -> None:
    async with served(FunctionProvider(texts)) as address:
        for name in ("temperature", "metadata", "max_tokens"):
            content = with_value(path, name, value)
            if name in ASKED[path]:
                content = json.dumps(ASKED[path] | {name: "@"}).replace('"@"', value).encode()
            status, told = await send(address, path, content)
            assert status == 400
            assert len(json.dumps(told)) < 1000


@EACH
@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "a\\ud83d b", "\\ude00\\ud83d"])
async def test_half_of_a_character_is_refused(path: str, half: str) -> None:
    async with served(FunctionProvider(texts)) as address:
        for content in (
            json.dumps(ASKED[path]).replace("What is", half).encode(),
            with_value(path, "user", f'"{half}"'),
            with_value(path, half, "1"),
        ):
            assert (await send(address, path, content))[0] == 400
        whole = json.dumps(ASKED[path]).replace("What is", "\\ud83d\\ude00 \\\\ud800").encode()
        assert (await send(address, path, whole))[0] == 200


@EACH
async def test_only_utf_8_is_read(path: str) -> None:
    async with served(FunctionProvider(texts)) as address:
        text = json.dumps(ASKED[path])
        for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7"):
            status, _ = await send(address, path, text.replace("What", "Wörld+").encode(encoding))
            assert status == (400 if encoding != "utf-7" else 200)
        assert (await send(address, path, text.encode("utf-8-sig")))[0] == 200
        assert (await send(address, path, text.encode().replace(b"What", b"\xc0\xaf")))[0] == 400


@pytest.mark.behaviour("gateway-bounds-what-arrives")
@EACH
@pytest.mark.parametrize("open_, close", [("[", "]"), ('{"a":', "}")])
async def test_what_is_nested_too_deeply_is_refused_wherever_it_stands(
    path: str, open_: str, close: str
) -> None:
    async with served(FunctionProvider(texts)) as address:
        for depth in (101, 900, 100_000):
            nested = open_ * depth + ("1" if close == "}" else "") + close * depth
            for name in ("metadata", "tools", "response_format", "cat", "unknown"):
                status, told = await send(address, path, with_value(path, name, nested))
                assert status == 400
                assert "nested more than 100 deep" in json.dumps(told)
            part = json.dumps(ASKED[path]).replace('"What is 2+2?"', nested).encode()
            assert (await send(address, path, part))[0] == 400


@pytest.mark.behaviour("gateway-bounds-what-arrives")
@EACH
async def test_more_parts_than_are_read_quickly_are_refused(path: str) -> None:
    async with served(FunctionProvider(texts)) as address:
        for value in ("[" + "{}," * 50_001 + "{}]", '{"a": [' + "[]," * 50_001 + "[]]}"):
            status, told = await send(address, path, with_value(path, "metadata", value))
            assert status == 400
            assert "over 50,000 objects and lists" in json.dumps(told)


def test_much_that_is_flat_is_read() -> None:
    flat = json.dumps({"a": list(range(200_000)), "b": "[{" * 100_000}).encode()
    assert read_json(flat)["b"].startswith("[{")
    many = json.dumps([{"role": "user", "content": "q"}] * 40_000).encode()
    assert len(read_json(many)) == 40_000
    deep = b"[" * 100 + b"]" * 100
    assert read_json(deep)


def test_many_names_of_which_the_last_stands_twice_are_refused_quickly() -> None:
    names = ", ".join(f'"{at}": 1' for at in range(200_000))
    with pytest.raises(ValueError, match="'199999' occurs twice"):
        read_json(f'{{{names}, "199999": 1}}'.encode())


@pytest.mark.parametrize(
    ("cat", "message"),
    [
        ({"n": True}, "cat.n is True; give a whole number"),
        ({"n": "4"}, "cat.n is '4'; give a whole number"),
        ({"n": 4.0}, "cat.n is 4.0; give a whole number"),
        ({"n": 0}, "n is 0"),
        ({"n": -1}, "n is -1"),
        ({"n": 10**9}, "allows 32 at most"),
        ({"keep": "yes"}, "cat.keep is 'yes'; give true or false"),
        ({"keep": 1}, "cat.keep is 1; give true or false"),
        ({"budget": {"requests": True}}, "cat.budget.requests is True; give a whole number"),
        ({"budget": {"usd": "5"}}, "cat.budget.usd is '5'; give a number"),
        ({"budget": {"usd": -1}}, "usd is -1"),
        ({"budget": {"seconds": 0}}, "seconds is 0"),
        ({"budget": {"money": 1}}, "there is no option 'money'"),
        ({"budget": 5}, "cat.budget is 5; give an object"),
        ({"estimator": {"Synthesizer": {}}}, "estimator is {'Synthesizer': {}}"),
        ({"estimator": ""}, "cat.estimator is ''; there are synthesis"),
        ({"tools": "all"}, "tools is 'all'"),
        ({"return": ["secrets"]}, "return.0 is 'secrets'"),
        ({"return": "rollouts"}, "return is 'rollouts'"),
        # The name that the field has here, and not that of the attribute behind it.
        ({"returns": ["rollouts"]}, "there are n, estimator, budget, return, tools, keep"),
        ({"model": "openai:x", "base_url": "http://evil.example"}, "there is no option 'model'"),
        ([1], "cat is [1]; give an object"),
        ("x", "cat is 'x'; give an object"),
    ],
)
async def test_a_setting_of_cat_that_is_of_another_kind_is_refused_by_its_name(
    cat: Any, message: str
) -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        status, told, _ = await post(address, body("cat/majority:function", cat=cat))
    assert status == 400
    assert message in told["error"]["message"]
    assert "Wanted" not in told["error"]["message"]
    assert policy.requests == []


@EACH
async def test_what_is_refused_is_not_sent_back_at_length(path: str) -> None:
    long = "x" * 20_000
    values: list[Any] = [long, {long: 1}, [{"role": long, "type": long}]]
    policy = FunctionProvider(texts)
    names = ("model", "messages", "input", "n", "temperature", "max_tokens", "stop", "stream")
    more = ("cat", "tools", "tool_choice", "response_format", "system", "text", "seed", long)
    async with served(policy) as address:
        for name in (*names, *more):
            for value in values:
                status, told = await send(
                    address, path, json.dumps(ASKED[path] | {name: value}).encode()
                )
                assert status in (200, 400, 404), name
                if status != 200:
                    assert len(json.dumps(told)) < 4000, (name, value)
        for setting in ("n", "estimator", "budget", "return", "tools", "keep", long):
            for value in values:
                asked = ASKED[path] | {"cat": {setting: value}}
                status, told = await send(address, path, json.dumps(asked).encode())
                assert status == 400
                assert len(json.dumps(told)) < 4000, setting


@pytest.mark.parametrize("n", [0, 2, -1, 10**9, 10**30, True, 1.0, "1", [], {}])
async def test_several_answers_to_one_request_are_refused(n: Any) -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        status, told, _ = await post(address, body("function", n=n))
        assert (status, "n is" in told["error"]["message"]) == (400, True)
        assert (await post(address, body("function", n=1)))[0] == 200
    assert len(policy.requests) == 1


async def test_ten_thousand_messages_are_answered() -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        turns = [{"role": role, "content": "q"} for role in ("user", "assistant")] * 5000
        status, _, _ = await post(address, body("function", messages=[*turns, MESSAGES[0]]))
    assert status == 200
    assert len(policy.requests[0].messages) == 10_001


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_of_a_service_that_no_client_can_read_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    async with LoopbackServer(FunctionProvider(texts)) as upstream:
        message = {"role": "assistant", "content": "half \ud83d and nul \x00"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        reply = json.dumps({"choices": [choice], "model": "m", "usage": None})
        upstream.answer = lambda payload: RawReply(reply.encode())
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", upstream.key)
        async with served(models=["openai:loopback"]) as address:
            asked = body("openai:loopback", stream=stream)
            with anyio.fail_after(30):
                async with (
                    aiohttp.ClientSession() as session,
                    session.post(f"{address}/v1/chat/completions", json=asked) as response,
                ):
                    said = (await response.read()).decode()
    assert response.status == 200
    assert "half" in said
