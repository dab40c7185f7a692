"""inspect_ai evaluates methods: by its own `eval`, over real models and a server."""

# pyright: reportMissingImports=false

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai", reason="it has its own environment: make test-integrations")

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, ResponseSchema, get_model
from inspect_ai.solver import generate, system_message, use_tools
from inspect_ai.tool import Tool, tool
from inspect_ai.util import json_schema

from catsdk.core.errors import InvalidInputError
from catsdk.integrations.inspect_ai import same_answer
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import texts

SUMS = [Sample(input="What is 2+2?", target="4"), Sample(input="What is 3+3?", target=["7", "6"])]


def run(tasks: Any, folder: Path, model: str, **options: Any) -> EvalLog:
    """One evaluation, in a loop that inspect_ai makes."""
    (log,) = eval(tasks, model=model, log_dir=str(folder), display="none", **options)
    return log


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve a model at the address that `openai:` models are asked at."""
    servers: list[LoopbackServer] = []

    def serve(reply: Any) -> LoopbackServer:
        model = FunctionProvider(reply) if not isinstance(reply, FunctionProvider) else reply
        servers.append(LoopbackServer(model).__enter__())
        monkeypatch.setenv("OPENAI_BASE_URL", servers[-1].url)
        monkeypatch.setenv("OPENAI_API_KEY", servers[-1].key)
        return servers[-1]

    yield serve
    for server in servers:
        server.__exit__(None, None, None)


def test_a_benchmark_evaluates_a_method(served: Any, tmp_path: Path) -> None:
    server = served(texts)
    task = Task(dataset=SUMS, solver=generate(), scorer=same_answer())
    log = run(task, tmp_path, f"cat/openai:{server.model}", model_args={"n": 3})
    assert log.error is None, log.error
    assert log.results is not None and log.samples is not None
    # Both references are \boxed{4}: right for the first question, wrong for the second.
    assert log.results.scores[0].metrics["accuracy"].value == 0.5
    told = [sample.output.metadata for sample in log.samples]
    assert [each and (each["rollouts"], each["majority"]) for each in told] == [(3, "4")] * 2
    (usage,) = log.stats.model_usage.values()
    assert usage.total_tokens == server.counters.usage.tokens


@pytest.mark.parametrize("estimator", ["Majority", {"Majority": {"tie": "first"}}])
def test_the_estimator_is_that_of_a_recipe(served: Any, tmp_path: Path, estimator: Any) -> None:
    server = served(lambda request: [r"\boxed{6}"] * request.n)
    task = Task(dataset=SUMS, solver=generate(), scorer=same_answer())
    arguments = {"n": 2, "estimator": estimator}
    log = run(task, tmp_path, f"cat/openai:{server.model}", model_args=arguments)
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == 0.5
    assert server.counters.requests == len(SUMS)


def test_the_policy_sees_system_prompt_and_settings(served: Any, tmp_path: Path) -> None:
    seen: list[Any] = []

    def reply(request: Any) -> list[str]:
        seen.append(request)
        return [r"\boxed{4}"] * request.n

    server = served(reply)
    solver = [system_message("Be brief."), generate(temperature=0.5, max_tokens=20, seed=3)]
    task = Task(dataset=SUMS[:1], solver=solver, scorer=same_answer())
    run(task, tmp_path, f"cat/openai:{server.model}", model_args={"estimator": "Majority", "n": 2})
    (request,) = seen
    assert [message.role for message in request.messages] == ["system", "user"]
    assert (request.temperature, request.max_tokens) == (0.5, 20)
    assert request.seed is not None


def test_a_failure_is_an_error_and_no_score(served: Any, tmp_path: Path) -> None:
    server = served(texts)
    server.answer = lambda payload: RawReply({"error": {"message": "no such thing"}}, 400)
    task = Task(dataset=SUMS, solver=generate(), scorer=same_answer())
    log = run(task, tmp_path, f"cat/openai:{server.model}", fail_on_error=False)
    assert log.samples is not None
    assert not any(sample.scores for sample in log.samples)
    assert all(sample.error and "no such thing" in sample.error.message for sample in log.samples)


@tool  # type: ignore[untyped-decorator]
def weather() -> Tool:
    async def execute(city: str) -> str:
        """Tell the weather.

        Args:
            city: Where.
        """
        return f"rain in {city}"

    return execute


def test_a_turn_with_tools_is_the_policys_own(served: Any, tmp_path: Path) -> None:
    server = served(texts)

    def reply(payload: dict[str, Any]) -> RawReply:
        message: dict[str, Any] = {"role": "assistant", "content": r"It is \\boxed{rain}"}
        if payload["messages"][-1]["role"] == "user":
            function = {"name": "weather", "arguments": '{"city": "Paris"}'}
            call = {"id": "call-7", "type": "function", "function": function}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return RawReply({"choices": [choice], "model": "loopback"})

    server.answer = reply
    sample = Sample(input="What is the weather in Paris?", target="rain")
    task = Task(dataset=[sample], solver=[use_tools(weather()), generate()], scorer=same_answer())
    log = run(task, tmp_path, f"cat/openai:{server.model}")
    assert log.results is not None and log.status == "success"
    assert log.results.scores[0].metrics["accuracy"].value == 1.0
    first, second = server.payloads
    assert first["tools"][0]["function"]["name"] == "weather"
    assert second["messages"][-1]["content"] == "rain in Paris"


def test_a_schema_is_what_the_reference_must_be(served: Any, tmp_path: Path) -> None:
    server = served(lambda request: ['{"sum": 4}'] * request.n)
    schema = ResponseSchema(name="sum", json_schema=json_schema(dict[str, int]))
    task = Task(
        dataset=SUMS[:1],
        solver=generate(),
        scorer=same_answer(),
        config=GenerateConfig(response_schema=schema),
    )
    arguments = {"estimator": "Majority", "n": 2}
    log = run(task, tmp_path, f"cat/openai:{server.model}", model_args=arguments)
    assert log.samples is not None and log.samples[0].output.completion == '{"sum": 4}'


def test_inspect_ai_finds_the_model_by_itself() -> None:
    code = "from inspect_ai.model import get_model; print(get_model('cat/local', n=2).api.n)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "2"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"rollouts": 3}, "rollouts"),
        ({"base_url": "http://127.0.0.1:1"}, "base_url"),
        ({"n": 0}, "n is 0"),
        ({"estimator": "Majorities"}, "Majorities"),
    ],
)
def test_what_is_not_known_is_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        get_model("cat/local", memoize=False, **arguments)


def test_a_setting_without_a_meaning_is_refused(served: Any, tmp_path: Path) -> None:
    server = served(texts)
    task = Task(dataset=SUMS[:1], solver=generate(num_choices=2), scorer=same_answer())
    log = run(task, tmp_path, f"cat/openai:{server.model}", fail_on_error=False)
    assert log.samples is not None and log.samples[0].error is not None
    assert "num_choices" in log.samples[0].error.message
    assert not server.payloads


@pytest.mark.needs_torch
def test_the_model_in_the_box_is_evaluated(tmp_path: Path) -> None:
    from catsdk.providers import held_out_problems

    problems = held_out_problems(6, seed=0)
    dataset = [Sample(input=question, target=answer) for question, answer in problems]
    task = Task(dataset=dataset, solver=generate(), scorer=same_answer())
    log = run(task, tmp_path, "cat/local", model_args={"n": 4}, max_connections=1)
    assert log.status == "success" and log.results is not None and log.samples is not None
    assert log.results.scores[0].scored_samples == len(problems)
    assert all(sample.output.metadata for sample in log.samples)


@pytest.mark.needs_torch
def test_the_code_of_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    section = page.partition("\n## inspect_ai\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    exec(block, {})  # noqa: S102
    assert list(Path("logs").iterdir())
