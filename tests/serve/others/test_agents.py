"""OpenAI's agents SDK asks the gateway, by both of its APIs, with a tool and without."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("agents", reason="the SDK has an environment of its own: make test-gateway")
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)

from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import ANSWER, client_of, served, texts

set_tracing_disabled(True)
MODELS: Any = [OpenAIChatCompletionsModel, OpenAIResponsesModel]


@pytest.mark.parametrize("api", MODELS)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_agent_answers_by_several_rollouts(api: Any, stream: bool) -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        model = api(model="cat/synthesis:function", openai_client=client)
        agent = Agent(name="a", instructions="Be brief.", model=model)
        if stream:
            streamed = Runner.run_streamed(agent, "What is 2+2?")
            kinds = [event.type async for event in streamed.stream_events()]
            assert "raw_response_event" in kinds
            answer = streamed.final_output
        else:
            answer = (await Runner.run(agent, "What is 2+2?")).final_output
    assert answer == ANSWER


@pytest.mark.parametrize("api", MODELS)
async def test_an_agent_uses_a_tool(monkeypatch: pytest.MonkeyPatch, api: Any) -> None:
    cities: list[str] = []

    @function_tool  # type: ignore[untyped-decorator]
    def weather(city: str) -> str:
        cities.append(city)
        return "rain"

    def reply(payload: dict[str, Any]) -> RawReply:
        told = [each for each in payload["messages"] if each["role"] == "tool"]
        function = {"name": "weather", "arguments": '{"city": "Paris"}'}
        call = {"id": "call-7", "type": "function", "function": function}
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
        if told:
            message = {"role": "assistant", "content": f"There is {told[0]['content']}."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return RawReply(json.dumps({"choices": [choice], "model": "m"}).encode())

    async with LoopbackServer(FunctionProvider(texts)) as upstream:
        upstream.answer = reply
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", upstream.key)
        async with (
            served(models=["openai:loopback"]) as address,
            client_of(address) as client,
        ):
            model = api(model="openai:loopback", openai_client=client)
            agent = Agent(name="a", model=model, tools=[weather])
            result = await Runner.run(agent, "Weather in Paris?")
    assert (cities, result.final_output) == (["Paris"], "There is rain.")
