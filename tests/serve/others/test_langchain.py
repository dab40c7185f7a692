"""LangChain's ChatOpenAI asks the gateway: whole, in pieces, in batches, by schema, with tools."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
from typing import Any

import pytest
from anyio import to_thread

pytest.importorskip("langchain_openai", reason="it has its own environment: make test-gateway")
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from catsdk.testing import FunctionProvider, RawReply
from tests.serve.gateways import ANSWER, code_of, is_anchor, served, texts, tool_call, upstream_of


def chat(address: str, model: str = "cat/synthesis:function", **settings: Any) -> ChatOpenAI:
    settings = {"max_retries": 0, "api_key": "none", **settings}
    return ChatOpenAI(base_url=f"{address}/v1", model=model, **settings)


@pytest.mark.parametrize("responses", [False, True])
async def test_a_message_is_the_synthesis_of_several_rollouts(responses: bool) -> None:
    async with served(FunctionProvider(texts)) as address:
        model = chat(address, use_responses_api=responses)
        message = await model.ainvoke("What is 2+2?")
    assert message.text == ANSWER
    assert message.usage_metadata is not None and message.usage_metadata["total_tokens"] > 0


async def test_pieces_come_as_chunks_with_the_usage_at_the_end() -> None:
    async with served(FunctionProvider(texts)) as address:
        model = chat(address, stream_usage=True)
        chunks = [chunk async for chunk in model.astream("What is 2+2?")]
    assert "".join(chunk.text for chunk in chunks) == ANSWER
    assert sum(bool(chunk.text) for chunk in chunks) > 1
    assert any(chunk.usage_metadata for chunk in chunks)


async def test_a_batch_has_an_answer_for_each_prompt() -> None:
    def echo(request: Any) -> Any:
        number = request.messages[-1].text.partition("number ")[2][:1]
        if is_anchor(request):
            return f"# SUMMARY\nx\n# UNIFIED RESPONSE\n{number}"
        return [number] * request.n

    prompts = [f"Say the number {number}" for number in range(6)]
    async with served(FunctionProvider(echo)) as address:
        messages = await chat(address).abatch(prompts)
    assert [message.text for message in messages] == [str(number) for number in range(6)]


async def test_what_the_gateway_alone_knows_goes_in_the_extra_body() -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        settings: Any = {"extra_body": {"cat": {"n": 3, "estimator": "majority"}}}
        message = await chat(address, **settings).ainvoke("What is 2+2?")
    assert message.text == r"\boxed{4}"
    assert [request.n for request in policy.requests] == [3]


class City(BaseModel):
    name: str
    country: str


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_structured_output_is_an_object_of_the_class(
    monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    given = {"name": "Paris", "country": "France"}

    def reply(payload: dict[str, Any]) -> RawReply:
        if "tools" in payload and method == "function_calling":
            return tool_call("City", json.dumps(given))
        whole = json.dumps(payload["messages"])
        shown = {"summary": "s", "response": given} if "attempt" in whole else given
        message = {"role": "assistant", "content": json.dumps(shown)}
        choices = [
            {"index": at, "message": message, "finish_reason": "stop"}
            for at in range(payload.get("n", 1))
        ]
        return RawReply({"choices": choices, "model": "m"})

    async with upstream_of(monkeypatch, FunctionProvider(texts)) as upstream:
        upstream.answer = reply
        async with served(models=["openai:loopback"]) as address:
            model = chat(address, "cat/synthesis:openai:loopback")
            structured = model.with_structured_output(City, method=method)
            assert await structured.ainvoke("Which city?") == City(**given)


async def test_a_tool_is_called_and_its_result_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @tool  # type: ignore[untyped-decorator]
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"rain in {city}"

    told: Any = weather

    def reply(payload: dict[str, Any]) -> RawReply:
        results = [each["content"] for each in payload["messages"] if each["role"] == "tool"]
        if not results:
            return tool_call("weather", '{"city": "Paris"}')
        message = {"role": "assistant", "content": f"There is {results[0]}."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return RawReply({"choices": [choice], "model": "m"})

    async with upstream_of(monkeypatch, FunctionProvider(texts)) as upstream:
        upstream.answer = reply
        async with served(models=["openai:loopback"]) as address:
            model = chat(address, "cat/synthesis:openai:loopback").bind_tools([told])
            asked: list[Any] = [HumanMessage("Weather in Paris?")]
            asked.append(await model.ainvoke(asked))
            (call,) = asked[-1].tool_calls
            asked.append(ToolMessage(told.invoke(call["args"]), tool_call_id=call["id"]))
            answer = await model.ainvoke(asked)
    assert answer.text == "There is rain in Paris."
    assert upstream.payloads[0]["tools"][0]["function"]["name"] == "weather"


async def test_an_error_is_that_of_the_sdk_beneath() -> None:
    from openai import NotFoundError

    async with served(FunctionProvider(texts)) as address:
        with pytest.raises(NotFoundError, match="nothing"):
            await chat(address, "nothing").ainvoke("What is 2+2?")


async def test_the_code_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    def reply(request: Any) -> Any:
        shown = str(request.messages)
        city = json.dumps({"name": "Paris", "country": "France"})
        if request.json_schema is not None or "France" in shown:
            return [city] * request.n
        return texts(request)

    async with served(FunctionProvider(reply)) as address:
        block = code_of("LangChain", address)
        names: dict[str, Any] = {}
        await to_thread.run_sync(exec, block, names)
    assert capsys.readouterr().out == f"{ANSWER}\n{ANSWER}"
    assert names["city"] == names["City"](name="Paris", country="France")
    assert [answer.text for answer in names["answers"]] == [ANSWER] * 2
