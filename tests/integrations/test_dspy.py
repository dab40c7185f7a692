"""DSPy's own programs, Evaluate and optimizers run on an LM whose answers are made of rollouts."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("dspy", reason="it has its own environment: make test-integrations")

import dspy
from dspy.utils.exceptions import (
    ContextWindowExceededError,
    LMConfigurationError,
    LMError,
    LMInvalidRequestError,
    LMRateLimitError,
)
from pydantic import BaseModel

from catsdk import errors
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Request
from catsdk.integrations.dspy import CaTLM
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply

SUMMARY = "# SUMMARY\nThey agree.\n# UNIFIED RESPONSE\n"
SUMS = [dspy.Example(question=f"{a}+{a}?", answer=str(2 * a)) for a in range(1, 6)]
TRAINING = [example.with_inputs("question") for example in SUMS]


@pytest.fixture
def anyio_backend() -> str:
    """The only loop that DSPy runs on."""
    return "asyncio"


@pytest.fixture(autouse=True)
def nothing_is_cached_on_disk(tmp_path: Path) -> Iterator[None]:
    dspy.configure_cache(disk_cache_dir=str(tmp_path), enable_disk_cache=False)
    with dspy.context(lm=None):
        yield


def fields(**values: object) -> str:
    written = [f"[[ ## {name} ## ]]\n{value}\n\n" for name, value in values.items()]
    return "".join([*written, "[[ ## completed ## ]]"])


def is_anchor(request: Request) -> bool:
    return "UNIFIED RESPONSE" in request.messages[-1].text


def adding(request: Request) -> Any:
    """Rollouts of which the first is wrong; the anchor adds the last two numbers that it sees."""
    shown = request.messages[-1].text
    number = int(re.findall(r"(\d+)\+\d+\?", shown)[-1])
    right = fields(reasoning="I add.", answer=2 * number)
    if is_anchor(request):
        return SUMMARY + right
    return [fields(reasoning="I guess.", answer=0), *[right] * (request.n - 1)][: request.n]


def lm_of(reply: Any = adding, rollouts: int = 3, **settings: Any) -> CaTLM:
    return CaTLM(FunctionProvider(reply), rollouts, **{"cache": False, **settings})


@pytest.mark.parametrize("estimator", [None, "Majority", {"Majority": {"tie": "first"}}])
@pytest.mark.parametrize("module", [dspy.Predict, dspy.ChainOfThought])
def test_a_program_answers_by_several_rollouts(module: Any, estimator: Any) -> None:
    lm = lm_of(estimator=estimator)
    with dspy.context(lm=lm):
        prediction = module("question -> answer: int")(question="2+2?")
    assert prediction.answer == 4
    told = lm.history[-1]["response"].provider_data["cat"]
    assert (told["rollouts"], told["majority"]) == (3, "4")


def test_evaluate_scores_the_answers_in_threads() -> None:
    scores = {}
    for estimator in (None, "Greedy"):
        policy = FunctionProvider(adding)
        lm = CaTLM(policy, 3, estimator=estimator, cache=False)
        evaluate = dspy.Evaluate(
            devset=TRAINING,
            metric=lambda example, given, trace=None: example.answer == given.answer,
            num_threads=4,
            display_progress=False,
        )
        with dspy.context(lm=lm):
            scores[estimator] = evaluate(dspy.Predict("question -> answer")).score
    assert scores == {None: 100.0, "Greedy": 0.0}


def test_an_optimizer_of_its_own_compiles_a_program() -> None:
    policy = FunctionProvider(adding)
    with dspy.context(lm=CaTLM(policy, 3, cache=False)):
        optimizer = dspy.BootstrapFewShot(
            metric=lambda example, given, trace=None: example.answer == given.answer,
            max_bootstrapped_demos=2,
            max_labeled_demos=0,
        )
        program = optimizer.compile(
            dspy.ChainOfThought("question -> answer"), trainset=TRAINING[:3]
        )
        demos = program.predictors()[0].demos
        assert [demo["answer"] for demo in demos] == ["2", "4"]
        assert program(question="9+9?").answer == "18"
    # The demonstrations are in what rollouts and anchor are shown.
    assert "I add." in str(policy.requests[-1].messages)


async def test_an_asynchronous_program_runs_in_the_loop_that_is_there() -> None:
    lm = lm_of()
    answers: dict[int, str] = {}

    async def ask(number: int) -> None:
        question = f"{number}+{number}?"
        answers[number] = (await dspy.Predict("question -> answer").acall(question=question)).answer

    with dspy.context(lm=lm):
        async with anyio.create_task_group() as tasks:
            for number in range(1, 6):
                tasks.start_soon(ask, number)
    assert answers == {number: str(2 * number) for number in range(1, 6)}


def test_the_usage_is_that_of_all_calls() -> None:
    with LoopbackServer(FunctionProvider(adding)) as server:
        lm = served(server)
        with dspy.context(lm=lm), dspy.track_usage() as usage:
            dspy.Predict("question -> answer")(question="2+2?")
        told = usage.get_total_tokens()[lm.model]
    assert told["total_tokens"] == server.counters.usage.tokens
    assert server.counters.requests == 2


def served(server: LoopbackServer, **settings: Any) -> CaTLM:
    """An LM whose policy is reached over a server, by a model string."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", server.key)
        lm = CaTLM(f"openai:{server.model}", 3, **{"cache": False, **settings})
        # Opened by a first call, while the variables are there.
        with dspy.context(lm=lm, track_usage=False):
            lm("1+1?")
    server.counters.requests = 0
    server.counters.usage = type(server.counters.usage)()
    return lm


def test_its_own_n_asks_for_several_answers() -> None:
    policy = FunctionProvider(adding)
    lm = CaTLM(policy, 2, cache=False)
    assert len(lm("3+3?", n=2)) == 2
    assert sum(map(is_anchor, policy.requests)) == 2


def test_answers_are_kept_by_dspys_cache_and_told_apart_by_the_method() -> None:
    policy = FunctionProvider(adding)
    for _ in range(2):
        for rollouts, estimator in [(2, None), (3, None), (3, "Majority")]:
            CaTLM(policy, rollouts, estimator=estimator)("4+4?")
    assert sum(not is_anchor(request) for request in policy.requests) == 3
    CaTLM(policy, 2)("4+4?", rollout_id=1, temperature=1.0)
    assert sum(not is_anchor(request) for request in policy.requests) == 4


def test_settings_go_to_the_policy() -> None:
    policy = FunctionProvider(adding)
    lm = CaTLM(policy, 2, cache=False, temperature=0.5, max_tokens=20, estimator="Majority")
    lm("4+4?", top_p=0.9, stop=["\n\n\n"], presence_penalty=0.5)
    (request,) = policy.requests
    assert (request.temperature, request.max_tokens, request.top_p) == (0.5, 20, 0.9)
    assert (request.stop, request.extra) == (("\n\n\n",), {"presence_penalty": 0.5})


class Forecast(BaseModel):
    city: str
    rain: bool


class Forecasting(dspy.Signature):  # type: ignore[misc]
    question: str = dspy.InputField()
    answer: Forecast = dspy.OutputField()


def test_a_typed_answer_is_made_by_its_schema() -> None:
    given = {"answer": {"city": "Paris", "rain": True}}

    def reply(request: Request) -> Any:
        if is_anchor(request) or "summary" in str(request.json_schema):
            return json.dumps({"summary": "s", "response": given})
        return [json.dumps(given)] * request.n

    with dspy.context(lm=lm_of(reply), adapter=dspy.JSONAdapter()):
        answer = dspy.Predict(Forecasting)(question="Rain?").answer
    assert answer == Forecast(city="Paris", rain=True)


def weather_call() -> RawReply:
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    call = {"id": "call-7", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return RawReply({"choices": [choice], "model": "m"})


def test_a_call_that_offers_tools_is_the_policys_own() -> None:
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"rain in {city}"

    class Asking(dspy.Signature):  # type: ignore[misc]
        question: str = dspy.InputField()
        tools: list[dspy.Tool] = dspy.InputField()
        calls: dspy.ToolCalls = dspy.OutputField()

    with LoopbackServer(FunctionProvider(adding)) as server:
        lm = served(server)
        server.answer = lambda payload: weather_call()
        adapter = dspy.ChatAdapter(use_native_function_calling=True)
        with dspy.context(lm=lm, adapter=adapter):
            prediction = dspy.Predict(Asking)(question="Rain?", tools=[dspy.Tool(weather)])
        payload = server.payloads[-1]
    (call,) = prediction.calls.tool_calls
    assert (call.name, call.args) == ("weather", {"city": "Paris"})
    assert payload["tools"][0]["function"]["name"] == "weather"


@pytest.mark.parametrize(
    ("error", "theirs"),
    [
        (errors.RateLimitedError("slow down", status=429, retry_after=1e6), LMRateLimitError),
        (errors.ContextTooLongError("too long", status=400), ContextWindowExceededError),
        (errors.AuthenticationError("no key", status=401), LMError),
    ],
)
@pytest.mark.parametrize("at_anchor", [False, True])
def test_an_error_is_dspys_own(error: Exception, theirs: Any, at_anchor: bool) -> None:
    def reply(request: Request) -> Any:
        if is_anchor(request) or not at_anchor:
            raise error
        return adding(request)

    with pytest.raises(theirs, match=str(error)):
        lm_of(reply)("2+2?")


def test_a_wrong_set_up_and_a_setting_without_meaning_are_refused() -> None:
    with pytest.raises(LMConfigurationError, match="nobody"):
        CaTLM("nobody:model", cache=False)("2+2?")
    with pytest.raises(LMInvalidRequestError, match="logprobs"):
        lm_of()("2+2?", logprobs=True)
    with pytest.raises(InvalidInputError, match="rollouts is 0"):
        lm_of(rollouts=0)
    with pytest.raises(InvalidInputError, match="Majorities"):
        lm_of(estimator="Majorities")


def test_a_program_is_saved_and_loaded_with_its_method(tmp_path: Path) -> None:
    program = dspy.Predict("question -> answer")
    program.set_lm(CaTLM("local", 5, estimator="Majority", temperature=0.7))
    program.save(tmp_path / "program.json")
    again = dspy.Predict("question -> answer")
    again.load(tmp_path / "program.json", allow_unsafe_lm_state=True)
    assert isinstance(again.lm, CaTLM)
    assert (again.lm.model, again.lm.kwargs) == (program.lm.model, program.lm.kwargs)
    with pytest.raises(InvalidInputError, match="object"):
        lm_of().dump_state()


def test_copies_of_a_program_share_the_method_and_pickles_make_it_anew() -> None:
    policy = FunctionProvider(adding)
    program = dspy.Predict("question -> answer")
    program.set_lm(CaTLM(policy, 2, cache=False))
    program(question="2+2?")
    again = program.deepcopy()
    assert again.lm.engine is program.lm.engine
    assert again(question="3+3?").answer == "6"
    lm = CaTLM("local", 4, estimator="Majority")
    unpickled = pickle.loads(pickle.dumps(lm))
    assert (unpickled.model, unpickled.engine.rollouts) == (lm.model, 4)


async def test_an_answer_is_streamed_whole() -> None:
    with dspy.context(lm=lm_of()):
        program = dspy.streamify(
            dspy.Predict("question -> answer"),
            stream_listeners=[dspy.streaming.StreamListener(signature_field_name="answer")],
        )
        events = [event async for event in program(question="2+2?")]
    assert events[-1].answer == "4"


def test_a_process_that_used_it_ends_by_itself() -> None:
    code = (
        "import warnings\n"
        "from catsdk.integrations.dspy import CaTLM\n"
        "warnings.simplefilter('error', ResourceWarning)\n"
        "lm = CaTLM('openai:loopback', 2, cache=False, estimator='Majority')\n"
        "print(lm('2+2?'))\n"
    )
    with LoopbackServer(FunctionProvider(lambda request: ["4"] * request.n)) as server:
        there = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
        told = subprocess.run(
            command, env=os.environ | there, capture_output=True, text=True, check=False
        )
    assert (told.returncode, told.stdout.strip()) == (0, "['4']"), told.stderr
    # What was open is closed.
    assert "Unclosed" not in told.stderr


def test_the_code_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    section = page.partition("\n## DSPy\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    named = block.replace('"openai:gpt-5"', "policy")
    assert named != block
    names: dict[str, Any] = {"policy": FunctionProvider(adding)}
    exec(named, names)  # noqa: S102
    assert "81" not in capsys.readouterr().out
    assert names["score"].score == 100.0
