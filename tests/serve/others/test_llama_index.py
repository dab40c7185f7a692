"""LlamaIndex's OpenAILike asks the gateway: whole, in pieces, by schema, with tools."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from anyio import to_thread

pytest.importorskip("llama_index.llms", reason="it has its own environment: make test-gateway")
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Request, ToolCall
from catsdk.testing import FunctionProvider
from tests.serve.gateways import ANSWER, code_of, is_anchor, served, texts

QUESTION = [ChatMessage(role="system", content="Be brief."), ChatMessage("What is 2+2?")]


def chat(address: str, model: str = "cat/synthesis:function", **settings: Any) -> OpenAILike:
    return OpenAILike(
        model=model,
        api_base=f"{address}/v1",
        api_key="none",
        is_chat_model=True,
        max_retries=0,
        reuse_client=False,
        **settings,
    )


async def test_a_chat_is_answered_by_the_synthesis_of_several_rollouts() -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address:
        response = await chat(address).achat(QUESTION)
    assert response.message.content == ANSWER
    assert [message.role for message in policy.requests[0].messages] == ["system", "user"]


async def test_a_completion_is_one_too() -> None:
    async with served(FunctionProvider(texts)) as address:
        assert (await chat(address).acomplete("What is 2+2?")).text == ANSWER


async def test_pieces_come_as_deltas() -> None:
    async with served(FunctionProvider(texts)) as address:
        pieces = [each async for each in await chat(address).astream_chat(QUESTION)]
    deltas = [each.delta for each in pieces if each.delta]
    assert "".join(deltas) == ANSWER and len(deltas) > 1
    assert pieces[-1].message.content == ANSWER


async def test_what_the_gateway_alone_knows_goes_in_the_extra_body() -> None:
    policy = FunctionProvider(texts)
    more = {"extra_body": {"cat": {"n": 3, "estimator": "majority"}}}
    async with served(policy) as address:
        response = await chat(address, additional_kwargs=more).achat(QUESTION)
    assert response.message.content == r"\boxed{4}"
    assert [request.n for request in policy.requests] == [3]


class City(BaseModel):
    name: str
    country: str


async def test_structured_output_is_an_object_of_the_class() -> None:
    given = {"name": "Paris", "country": "France"}

    def reply(request: Any) -> Any:
        if is_anchor(request):
            return "# SUMMARY\nx\n# UNIFIED RESPONSE\n" + json.dumps(given)
        return [json.dumps(given)] * request.n

    async with served(FunctionProvider(reply)) as address:
        program = LLMTextCompletionProgram.from_defaults(
            output_cls=City, prompt_template_str="Which city?", llm=chat(address)
        )
        assert await program.acall() == City(**given)


class Forecaster:
    """A model of OpenAI's wire, in this process, that calls a tool and answers by its result."""

    name = "forecaster"
    wire = "chat"
    free = True
    capabilities = Capabilities(tools=True)

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        self.requests.append(request)
        told = request.messages[-1]
        if told.role == "tool":
            return [Completion(text=f"There is {told.text}.")]
        call = ToolCall(id="call-7", name="weather", arguments='{"city": "Paris"}')
        return [Completion(text="", tool_calls=(call,))]


async def test_an_agent_calls_a_tool_and_answers_by_its_result() -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return f"rain in {city}"

    model = Forecaster()
    async with served(model) as address:
        llm = chat(address, "cat/synthesis:forecaster", is_function_calling_model=True)
        agent = FunctionAgent(tools=[weather], llm=llm, streaming=False)
        response = await agent.run("Weather in Paris?")
    assert (asked, str(response)) == (["Paris"], "There is rain in Paris.")
    tools: Any = model.requests[0].extra["tools"]
    assert tools[0]["function"]["name"] == "weather"


async def test_the_code_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    async with served(FunctionProvider(texts)) as address:
        block = code_of("LlamaIndex", address)
        names: dict[str, Any] = {}
        await to_thread.run_sync(exec, block, names)
    assert capsys.readouterr().out == f"{ANSWER}\n{ANSWER}"
