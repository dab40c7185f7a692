"""pydantic-ai's own agents run on a model whose final answers are made of several samples."""

# pyright: reportMissingImports=false

from __future__ import annotations

import ast
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("pydantic_ai", reason="it has its own environment: make test-integrations")
from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry, NativeOutput, PromptedOutput, ToolOutput, UsageLimits
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelHTTPError,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
    UserError,
)
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import RequestUsage, RunUsage

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.integrations.pydantic_ai import CaTModel
from catsdk.testing import FunctionProvider

SYNTHESIS = "# SUMMARY\nThey agree.\n# UNIFIED RESPONSE\nIt is\n\\boxed{4}."
MAJORITY = cat.Majority(tie="first")
Reply = Callable[[int, list[ModelMessage], AgentInfo], Any]


@pytest.fixture
def anyio_backend() -> str:
    """The only loop that its agents run on."""
    return "asyncio"


def last(messages: list[ModelMessage]) -> str:
    return str(getattr(messages[-1].parts[-1], "content", ""))


def is_anchor(messages: list[ModelMessage]) -> bool:
    return "UNIFIED RESPONSE" in last(messages)


class Scripted(FunctionModel):  # type: ignore[misc]
    """A model whose samples are scripted by their number; each uses 10 and 5 tokens."""

    def __init__(self, reply: Reply, anchor: Any = SYNTHESIS, **settings: Any) -> None:
        self.asked: list[tuple[list[ModelMessage], AgentInfo]] = []
        self.anchored = self.sampled = 0

        async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            self.asked.append((messages, info))
            if is_anchor(messages):
                self.anchored += 1
                given = anchor() if callable(anchor) else anchor
            else:
                self.sampled += 1
                given = reply(self.sampled - 1, messages, info)
            parts = given if isinstance(given, list) else [given]
            whole = [TextPart(part) if isinstance(part, str) else part for part in parts]
            return ModelResponse(parts=whole, usage=RequestUsage(input_tokens=10, output_tokens=5))

        async def pieces(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            whole = (await answer(messages, info)).parts[0]
            for piece in re.findall(r"\S+\s*", whole.content):
                yield piece

        super().__init__(answer, stream_function=pieces, **settings)


def in_turn(*replies: Any) -> Reply:
    return lambda at, messages, info: replies[at % len(replies)]


FOURS = in_turn(r"\boxed{5}", *[r"\boxed{4}"] * 3)


async def test_an_agents_answer_is_the_synthesis_of_several_samples() -> None:
    model = Scripted(FOURS)
    agent = Agent(CaTModel(model, n=4), instructions="Be brief.", system_prompt="Be right.")
    result = await agent.run("What is 2+2?")
    assert result.output == "It is\n\\boxed{4}."
    assert (model.sampled, model.anchored) == (4, 1)
    told = result.all_messages()[-1].provider_details["cat"]
    assert (told["rollouts"], told["agreement"], told["majority"]) == (4, 0.75, "4")
    shown = str(model.asked[-1][0])
    assert "Be brief." in shown and "Be right." in shown and "What is 2+2?" in shown


async def test_the_usage_is_that_of_all_samples_and_the_synthesis() -> None:
    result = await Agent(CaTModel(Scripted(FOURS), n=4)).run("What is 2+2?")
    # The agent acted on one response; the tokens are those of five.
    usage = result.usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens) == (1, 50, 25)


async def test_a_selected_sample_is_passed_on_as_it_was_written() -> None:
    def reply(at: int, messages: Any, info: Any) -> Any:
        return [ThinkingPart(f"thought {at}"), rf"\boxed{{{4 if at else 5}}}"]

    agent = Agent(CaTModel(Scripted(reply), n=3, estimator=MAJORITY))
    result = await agent.run("What is 2+2?")
    thinking, text = result.all_messages()[-1].parts
    assert (thinking.content, text.content) == ("thought 1", r"\boxed{4}")
    assert result.usage.output_tokens == 15


async def test_pieces_of_the_answer_come_while_it_is_written() -> None:
    steps = [anyio.Event() for _ in range(3)]

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[TextPart(r"\boxed{4}")])

    async def pieces(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        written = ["# SUMMARY\nx\n# UNIFIED RESPONSE\nIt", " is ", "4."]
        for step, piece in zip(steps, written, strict=True):
            await step.wait()
            yield piece

    agent = Agent(CaTModel(FunctionModel(answer, stream_function=pieces), n=2))
    steps[0].set()
    seen: list[str] = []
    with anyio.fail_after(30):
        async with agent.run_stream("What is 2+2?") as run:
            async for piece in run.stream_text(delta=True, debounce_by=None):
                seen.append(piece)
                # The next piece is written only after this one was seen.
                for step in steps:
                    if not step.is_set():
                        step.set()
                        break
            assert await run.get_output() == "It is 4."
    assert seen == ["It", " is", " 4."]


async def test_a_stream_has_the_usage_and_evidence_of_a_whole_answer() -> None:
    model = Scripted(FOURS)
    async with Agent(CaTModel(model, n=4)).run_stream("What is 2+2?") as run:
        assert await run.get_output() == "It is\n\\boxed{4}."
    assert run.all_messages()[-1].provider_details["cat"]["agreement"] == 0.75
    assert run.usage.input_tokens > 40 and run.usage.output_tokens > 20


async def test_a_stream_of_a_selected_sample_comes_whole() -> None:
    agent = Agent(CaTModel(Scripted(FOURS), n=4, estimator=MAJORITY))
    async with agent.run_stream("What is 2+2?") as run:
        pieces = [piece async for piece in run.stream_text(delta=True, debounce_by=None)]
    assert pieces == [r"\boxed{4}"]


# --- tools --------------------------------------------------------------------------------


def calls(*cities: str) -> list[ToolCallPart]:
    return [ToolCallPart("weather", {"city": city}) for city in cities]


def weather_agent(model: CaTModel, asked: list[str]) -> Agent:
    agent = Agent(model)

    @agent.tool_plain  # type: ignore[untyped-decorator]
    def weather(city: str) -> str:
        asked.append(city)
        return "rain"

    return agent


def then_text(*turns: Any) -> Reply:
    """The samples of the first turn, and a text once the tool has answered."""

    def reply(at: int, messages: list[ModelMessage], info: AgentInfo) -> Any:
        if isinstance(messages[-1].parts[-1], ToolReturnPart):
            return rf"\boxed{{{messages[-1].parts[-1].content}}}"
        return turns[at % len(turns)]

    return reply


async def test_a_turn_that_calls_tools_is_that_of_the_first_sample() -> None:
    asked: list[str] = []
    model = Scripted(then_text(calls("Paris")), "# SUMMARY\nx\n# UNIFIED RESPONSE\nRain.")
    result = await weather_agent(CaTModel(model, n=3), asked).run("Weather in Paris?")
    assert (asked, result.output) == (["Paris"], "Rain.")
    # One sample of the turn with the tool, three of the last one.
    assert (model.sampled, model.anchored) == (4, 1)
    assert (result.usage.requests, result.usage.input_tokens) == (2, 50)
    assert "rain" in last(model.asked[-1][0])


async def test_samples_that_call_tools_have_no_part_in_a_final_answer() -> None:
    asked: list[str] = []
    model = Scripted(in_turn(r"\boxed{4}", calls("Oslo"), calls("Oslo")))
    agent = weather_agent(CaTModel(model, n=3, estimator=MAJORITY), asked)
    result = await agent.run("What is 2+2?")
    assert (asked, result.output, result.usage.input_tokens) == ([], r"\boxed{4}", 30)


@pytest.mark.parametrize(
    ("samples", "called"),
    [
        # Calls are never mixed: of two that want both and two that want one, a whole turn wins.
        ([calls("Oslo"), calls("Paris"), calls("Paris"), "text"], ["Paris"]),
        ([calls("Oslo", "Rome"), calls("Rome", "Oslo"), calls("Paris"), "x"], ["Oslo", "Rome"]),
        ([calls("Oslo"), calls("Paris"), calls("Rome"), "text"], ["Oslo"]),
    ],
)
async def test_a_vote_passes_on_the_calls_that_most_samples_agree_on(
    samples: Sequence[Any], called: list[str]
) -> None:
    asked: list[str] = []
    model = Scripted(then_text(*samples))
    agent = weather_agent(CaTModel(model, n=4, tools="vote"), asked)
    result = await agent.run("Weather?")
    assert (sorted(asked), result.output) == (called, "It is\n\\boxed{4}.")
    assert result.usage.input_tokens == 90


async def test_a_vote_against_tools_ends_the_run() -> None:
    asked: list[str] = []
    model = Scripted(in_turn(calls("Oslo"), r"\boxed{4}", r"\boxed{4}"))
    result = await weather_agent(CaTModel(model, n=3, tools="vote"), asked).run("2+2?")
    assert (asked, result.output) == ([], "It is\n\\boxed{4}.")


async def test_an_agent_streams_through_a_turn_with_tools() -> None:
    asked: list[str] = []
    model = Scripted(then_text(calls("Paris")))
    agent = weather_agent(CaTModel(model, n=2), asked)
    async with agent.iter("Weather?") as run:
        async for node in run:
            if Agent.is_model_request_node(node):
                async with node.stream(run.ctx) as stream:
                    events = [event async for event in stream]
                    assert events
    assert run.result is not None
    assert (asked, run.result.output) == (["Paris"], "It is\n\\boxed{4}.")


# --- outputs ------------------------------------------------------------------------------


class Sum(BaseModel):
    value: int
    how: str = ""


class Refusal(BaseModel):
    why: str


def output_call(info: AgentInfo, **given: Any) -> ToolCallPart:
    return ToolCallPart(info.output_tools[0].name, given)


async def test_an_output_type_is_respected() -> None:
    def reply(at: int, messages: Any, info: AgentInfo) -> Any:
        if is_schema(info):
            return json.dumps({"summary": "s", "response": {"value": 4, "how": "by all"}})
        return output_call(info, value=4 if at else 5)

    def is_schema(info: AgentInfo) -> bool:
        return not info.output_tools or info.output_tools[0].name == "reply"

    model = Scripted(reply)
    result = await Agent(CaTModel(model, n=3), output_type=Sum).run("2+2?")
    assert result.output == Sum(value=4, how="by all")
    assert result.usage.input_tokens == 40


@pytest.mark.parametrize("kind", [ToolOutput, NativeOutput, PromptedOutput])
async def test_the_majority_of_an_output_is_one_of_the_samples(kind: Any) -> None:
    def reply(at: int, messages: Any, info: AgentInfo) -> Any:
        given = {"value": 4 if at else 5}
        return output_call(info, **given) if info.output_tools else json.dumps(given)

    profile = {"supports_json_schema_output": True}
    model = CaTModel(Scripted(reply, profile=profile), n=3, estimator=MAJORITY)
    agent = Agent(model, output_type=kind(Sum))
    assert (await agent.run("2+2?")).output == Sum(value=4)
    async with agent.run_stream("2+2?") as run:
        assert await run.get_output() == Sum(value=4)


async def test_of_several_output_types_the_one_that_most_samples_choose_is_made() -> None:
    def reply(at: int, messages: Any, info: AgentInfo) -> Any:
        names = {name.name.rsplit("_", 1)[-1]: name.name for name in info.output_tools}
        if at == 0:
            return ToolCallPart(names["Refusal"], {"why": "no"})
        return ToolCallPart(names["Sum"], {"value": 4})

    model = CaTModel(Scripted(reply), n=3, estimator=MAJORITY)
    result: Any = await Agent(model, output_type=[Sum, Refusal]).run("2+2?")
    assert result.output == Sum(value=4)


async def test_where_no_sample_fits_the_agent_asks_again() -> None:
    def reply(at: int, messages: Any, info: AgentInfo) -> Any:
        return output_call(info, value="many" if at < 2 else 4)

    model = Scripted(reply)
    agent = Agent(CaTModel(model, n=2, estimator=MAJORITY), output_type=Sum)
    result = await agent.run("2+2?")
    assert result.output == Sum(value=4)
    assert (model.sampled, result.usage.input_tokens, result.usage.requests) == (4, 40, 2)


async def test_an_output_validator_has_the_answer_made_again() -> None:
    model = Scripted(FOURS)
    agent = Agent(CaTModel(model, n=2))
    seen: list[str] = []

    @agent.output_validator  # type: ignore[untyped-decorator]
    def check(text: str) -> str:
        seen.append(text)
        if len(seen) == 1:
            raise ModelRetry("Say it once more.")
        return text

    await agent.run("2+2?")
    assert (model.sampled, model.anchored, len(seen)) == (4, 2, 2)
    assert "Say it once more." in str(model.asked[-1][0])


# --- limits, settings, errors -------------------------------------------------------------


async def test_a_limit_that_the_samples_exhaust_stops_the_run_before_the_synthesis() -> None:
    model = Scripted(FOURS)
    agent = Agent(CaTModel(model, n=4))
    usage = RunUsage()
    with pytest.raises(UsageLimitExceeded, match="total_tokens_limit of 40"):
        await agent.run("2+2?", usage_limits=UsageLimits(total_tokens_limit=40), usage=usage)
    assert (model.sampled, model.anchored) == (4, 0)
    # What was paid for is counted.
    assert usage.input_tokens == 40


async def test_the_synthesis_counts_against_the_limit_too() -> None:
    model = Scripted(FOURS)
    with pytest.raises(UsageLimitExceeded):
        limits = UsageLimits(total_tokens_limit=70)
        await Agent(CaTModel(model, n=4)).run("2+2?", usage_limits=limits)
    assert model.anchored == 1


async def test_what_one_request_may_hold_is_a_matter_of_one_sample() -> None:
    limits = UsageLimits(per_request_input_tokens_limit=20, request_limit=1)
    result = await Agent(CaTModel(Scripted(FOURS), n=4)).run("2+2?", usage_limits=limits)
    assert result.usage.input_tokens == 50


async def test_each_sample_has_a_seed_of_its_own() -> None:
    model = Scripted(FOURS)
    agent = Agent(CaTModel(model, n=3, estimator=MAJORITY))
    await agent.run("2+2?", model_settings={"seed": 7, "temperature": 0.5})
    settings: Any = [info.model_settings for _, info in model.asked]
    assert sorted(each["seed"] for each in settings) == [7, 8, 9]
    assert {each["temperature"] for each in settings} == {0.5}


def failing(at: int, messages: Any, info: Any) -> Any:
    raise ModelHTTPError(429, "scripted", "slow down")


async def test_a_failed_sample_is_left_out() -> None:
    def reply(at: int, messages: Any, info: Any) -> Any:
        return failing(at, messages, info) if at == 0 else r"\boxed{4}"

    result = await Agent(CaTModel(Scripted(reply), n=3, estimator=MAJORITY)).run("2+2?")
    told = result.all_messages()[-1].provider_details["cat"]
    assert (told["rollouts"], told["failed"]) == (2, 1)


async def test_where_every_sample_fails_the_error_is_the_models_own() -> None:
    with pytest.raises(ModelHTTPError) as caught:
        await Agent(CaTModel(Scripted(failing), n=3)).run("2+2?")
    assert caught.value.status_code == 429


async def test_a_fallback_takes_over_where_every_sample_fails() -> None:
    models = FallbackModel(CaTModel(Scripted(failing), n=2), Scripted(in_turn("plain")))
    assert (await Agent(models).run("2+2?")).output == "plain"


def anchor_fails(error: Exception) -> Any:
    def fail() -> Any:
        raise error

    return fail


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "error",
    [ModelHTTPError(503, "m", "busy"), ContentFilterError("no"), UnexpectedModelBehavior("odd")],
)
async def test_an_anchors_error_is_the_models_own_and_has_what_was_paid_for(
    error: Exception, stream: bool
) -> None:
    agent = Agent(CaTModel(Scripted(FOURS, anchor_fails(error)), n=4))
    with pytest.raises(type(error)) as caught:
        if stream:
            async with agent.run_stream("2+2?") as run:
                await run.get_output()
        else:
            await agent.run("2+2?")
    result: Any = caught.value
    assert len(result.result.group.rollouts) == 4


async def test_another_anchor_may_be_named_and_its_errors_are_typed_too() -> None:
    anchor = FunctionProvider(lambda request: SYNTHESIS.replace("4", "5"))
    agent = Agent(CaTModel(Scripted(FOURS), n=2, estimator=cat.Synthesizer(anchor)))
    assert (await agent.run("2+2?")).output == "It is\n\\boxed{5}."

    def fails(request: Any) -> Any:
        raise cat.errors.ServerError("broken", status=500)

    client = cat.Client(retry=cat.Retry(times=0))
    broken = cat.Synthesizer(FunctionProvider(fails))
    agent = Agent(CaTModel(Scripted(FOURS), n=2, estimator=broken, client=client))
    with pytest.raises(ModelHTTPError) as caught:
        await agent.run("2+2?")
    assert caught.value.status_code == 500


async def test_a_set_up_that_is_wrong_is_an_error_of_the_user() -> None:
    agent = Agent(CaTModel(Scripted(FOURS), n=2, estimator=cat.Synthesizer("nobody:model")))
    with pytest.raises(UserError, match="nobody"):
        await agent.run("2+2?")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"n": 0}, "n is 0"), ({"tools": "merge"}, "merge"), ({"estimator": 3}, "estimator")],
)
def test_a_wrong_argument_is_refused_at_once(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        CaTModel(Scripted(FOURS), **arguments)


async def test_an_anchor_sees_the_images_of_the_question() -> None:
    image = BinaryContent(b"\x89PNG", media_type="image/png")
    model = Scripted(FOURS)
    await Agent(CaTModel(model, n=2)).run(["Which animal?", image])
    shown = [part.content for message in model.asked[-1][0] for part in message.parts]
    assert [each.data for each in shown[-1] if isinstance(each, BinaryContent)] == [image.data]


async def test_agents_that_run_together_do_not_disturb_each_other() -> None:
    model = CaTModel(
        Scripted(lambda at, messages, info: rf"\boxed{{{last(messages)}}}"), n=2, estimator=MAJORITY
    )
    agent, outputs = Agent(model), dict[int, str]()

    async def ask(number: int) -> None:
        outputs[number] = (await agent.run(str(number))).output

    async with agent, anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(ask, number)
    assert outputs == {number: rf"\boxed{{{number}}}" for number in range(8)}
    await model.aclose()


def test_an_agent_runs_synchronously_in_one_loop_after_another() -> None:
    agent = Agent(CaTModel(Scripted(FOURS), n=2, estimator=MAJORITY))
    assert [agent.run_sync("2+2?").output for _ in range(2)] == [r"\boxed{5}", r"\boxed{4}"]


async def test_the_code_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    section = page.partition("\n## pydantic-ai\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    forecast = {"city": "Paris", "rain": True}

    def reply(at: int, messages: list[ModelMessage], info: AgentInfo) -> Any:
        if info.output_tools and info.output_tools[0].name != "reply":
            told = isinstance(messages[-1].parts[-1], ToolReturnPart)
            return output_call(info, **forecast) if told else calls("Paris")
        return json.dumps({"summary": "s", "response": forecast})

    model = Scripted(reply)
    named = block.replace('"openai:gpt-5"  # yours: a name, or a model of pydantic-ai', "given")
    assert named != block
    names: dict[str, Any] = {"given": model}
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    running = eval(compile(named, "integrations.md", "exec", flags), names)
    await running
    assert names["result"].output.model_dump() == forecast
    assert model.sampled == 10
