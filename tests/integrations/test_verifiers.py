"""verifiers runs attempts of a task as one group: its own environments, server and command."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("verifiers", reason="it has its own environment: make test-integrations")

import verifiers.v1 as vf
from verifiers.v1.serve import EnvClient, EnvServer
from verifiers.v1.utils.loaders import resolve_env_config

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Request
from catsdk.integrations.verifiers import CaTEnv, GroupRubric
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import is_anchor

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

PLUGINS = Path(__file__).parent / "plugins"
MAJORITY = {"estimator": "Majority", "reward": "AnswerReward"}
CRITERIA = json.dumps({"criteria": [f"It is answer {at}." for at in range(5)]})
VERDICT = json.dumps({"evidence": "", "reason": "It is.", "verdict": "yes"})
Serve = Callable[..., LoopbackServer]


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The taskset `sums-for-cat`, as a package of the user's."""
    monkeypatch.syspath_prepend(str(PLUGINS))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve a policy that says the texts it is given in turn, and an anchor that says `anchor`."""
    said: list[str] = []
    unified: list[str] = []

    def reply(request: Request) -> str:
        text = "\n".join(message.text for message in request.messages)
        if "Does the response meet the criterion?" in text:
            return VERDICT
        if '"criteria": [' in text:
            return CRITERIA
        return unified[-1] if is_anchor(request) else said.pop(0)

    with LoopbackServer(FunctionProvider(reply)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", server.key)

        def begin(*texts: str, anchor: str = r"UNIFIED \boxed{4}") -> LoopbackServer:
            said.extend(texts * 4)
            unified.append(anchor)
            return server

        yield begin


def config(**settings: Any) -> Any:
    """The `[env]` block of a run, narrowed as verifiers does it."""
    agent = {"runtime": {"type": "subprocess"}} | settings.pop("agent", {})
    data = {"id": "catsdk-env", "taskset": {"id": "sums-for-cat"}, "agent": agent} | settings
    return resolve_env_config(data)


def context(server: LoopbackServer) -> vf.ModelContext:
    client = vf.EvalClientConfig(base_url=server.url, api_key_var="OPENAI_API_KEY")
    return vf.ModelContext(model=server.model, client=client)


async def played(env: vf.Env, server: LoopbackServer, task: int = 0) -> vf.Episode:
    """One episode of a task, in the environment's own loop."""
    async with env.serving():
        (slot,) = env.slots(list(env.taskset)[task])
        return await env.run_slot(slot, context(server))


def rewards(episode: vf.Episode) -> list[float | None]:
    """What the traces earned by the method."""
    recorded = [trace.rewards["cat"] for trace in episode.traces]
    return [each and each.value for each in recorded]


async def test_the_attempts_are_rewarded_by_their_reference(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}", r"\boxed{4}")
    env = vf.load_environment(config(n=3, cat={"estimator": f"openai:{server.model}"}))
    assert isinstance(env, CaTEnv)
    episode = await played(env, server)
    assert episode.ok, episode.errors
    assert rewards(episode) == [1.0, 0.0, 1.0]
    assert [trace.reward for trace in episode.traces] == [1.0, 0.0, 1.0]
    first = episode.traces[0]
    assert first.info["cat"]["answer"] == "4" and first.info["cat"]["reasons"]
    assert [round(trace.metrics["cat_agreement"] or 0, 2) for trace in episode.traces] == [0.67] * 3
    (anchor,) = [usage for trace in episode.traces for usage in trace.extra_usage]
    total = server.counters.usage
    assert anchor.total_tokens + sum(trace.usage.total_tokens for trace in episode.traces) == (
        total.tokens
    )
    assert episode.model_validate_json(episode.model_dump_json()).ok


async def test_the_anchor_reads_the_task_and_what_the_policy_said(serve: Serve) -> None:
    server = serve("first thoughts", r"\boxed{4}", "more thoughts", r"\boxed{5}")
    agent = {"harness": {"id": "sums-for-cat", "turns": 2}}
    env = vf.load_environment(config(n=2, cat={"estimator": f"openai:{server.model}"}, agent=agent))
    episode = await played(env, server)
    assert rewards(episode) == [1.0, 0.0], episode.errors
    sent = "\n".join(message["content"] for message in server.payloads[-1]["messages"])
    assert all(words in sent for words in ("Add.", "2+2?", "first thoughts", r"\boxed{5}"))
    assert "go on" not in sent


@pytest.mark.parametrize("counts", [False, True])
async def test_the_rewards_of_the_task_are_metrics_unless_they_are_to_count(
    serve: Serve, counts: bool
) -> None:
    server = serve(r"\boxed{5}", r"\boxed{5}", r"\boxed{4}")
    env = vf.load_environment(config(n=3, cat=MAJORITY, task_rewards=counts))
    episode = await played(env, server)
    assert rewards(episode) == [1.0, 1.0, 0.0]
    if counts:
        assert [trace.reward for trace in episode.traces] == [1.0, 1.0, 1.0]
    else:
        assert [trace.metrics["correct"] for trace in episode.traces] == [0.0, 0.0, 1.0]
        assert [trace.reward for trace in episode.traces] == [1.0, 1.0, 0.0]


async def test_the_fields_of_a_task_are_the_row(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}")
    env = vf.load_environment(config(n=2, cat={"reward": "Gold"}))
    assert rewards(await played(env, server, task=1)) == [0.0, 1.0]


def refusing(server: LoopbackServer, refused: Callable[[str], bool]) -> None:
    """Refuse the requests whose last message is such."""

    def answer(payload: dict[str, Any]) -> RawReply | None:
        if refused(json.dumps(payload)):
            return RawReply({"error": {"message": "no such luck"}}, 400)
        return None

    server.answer = answer


def refusing_the_second(server: LoopbackServer) -> list[str]:
    """Refuse the second request; returns all that come, in their order."""
    seen: list[str] = []

    def second(text: str) -> bool:
        seen.append(text)
        return len(seen) == 2

    refusing(server, second)
    return seen


async def test_a_failed_reference_is_an_error_of_the_episode(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}")
    refusing(server, lambda text: "UNIFIED RESPONSE" in text)
    env = vf.load_environment(config(n=2, cat={"estimator": f"openai:{server.model}"}))
    episode = await played(env, server)
    assert not episode.ok and rewards(episode) == [None, None]
    (error,) = episode.errors
    assert error.type == "EnvError"
    assert "NoRewardError" in error.message and "no such luck" in error.message


async def test_a_failed_judge_is_an_error_of_the_episode(serve: Serve) -> None:
    server = serve("a first answer", "a second answer")
    refusing(server, lambda text: "criterion?" in text and "second answer" in text)
    method = {
        "estimator": f"openai:{server.model}",
        "reward": {"RubricReward": {"judge": f"openai:{server.model}"}},
    }
    episode = await played(vf.load_environment(config(n=2, cat=method)), server)
    assert not episode.ok
    # What was paid for is kept.
    assert rewards(episode) == [1.0, None]
    assert "1 of 2 rollouts has no reward" in episode.errors[0].message
    assert "no such luck" in episode.errors[0].message


async def test_no_reference_is_bought_for_a_failed_attempt(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}")
    seen = refusing_the_second(server)
    env = vf.load_environment(config(n=3, cat={"estimator": f"openai:{server.model}"}))
    episode = await played(env, server)
    assert not episode.ok and not episode.errors
    assert len(seen) == 3 and not any("UNIFIED RESPONSE" in text for text in seen)
    assert all("cat" not in trace.rewards for trace in episode.traces)


async def test_a_group_that_a_filter_left_out_is_no_result(serve: Serve) -> None:
    server = serve(r"\boxed{4}")
    skip = {"estimator": "Majority", "reward": {"SkipFlat": {"inner": "AnswerReward"}}}
    episode = await played(vf.load_environment(config(n=2, cat=skip)), server)
    assert not episode.ok and rewards(episode) == [None, None]
    assert "LeftOut" in episode.errors[0].message


class PairsConfig(vf.EnvConfig):  # type: ignore[misc]
    agent: vf.AgentConfig = vf.AgentConfig()


class Pairs(vf.Env[PairsConfig]):  # type: ignore[misc]
    """An environment of a user's own, with the rubric in it; it takes attempts that failed."""

    rubric = GroupRubric(cat.CaT(estimator=cat.Majority(), reward=cat.AnswerReward()), name="group")

    async def run(self, task: vf.Task, agents: vf.Agents) -> None:
        for _ in range(3):
            await agents.agent.run(task)

    async def finalize(self, task: vf.Task, episode: vf.Episode) -> None:
        await self.rubric.score(task, episode.traces)

    async def stop(self) -> None:
        await self.rubric.aclose()


async def test_any_environment_adds_the_rubric(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}", r"\boxed{4}")
    pairs = PairsConfig.model_validate(config(id="").model_dump())
    episode = await played(Pairs(pairs), server)
    scores = [trace.rewards["group"] for trace in episode.traces]
    assert [each and each.value for each in scores] == [1.0, 0.0, 1.0]
    # Beside the task's own, which stays.
    assert [trace.reward for trace in episode.traces] == [2.0, 0.0, 2.0]


async def test_the_rubric_takes_attempts_that_failed_as_rollouts_that_failed(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{4}")
    refusing_the_second(server)
    pairs = PairsConfig.model_validate(config(id="").model_dump())
    episode = await played(Pairs(pairs), server)
    scores = [trace.rewards["group"] for trace in episode.traces]
    assert [each and each.value for each in scores] == [1.0, None, 1.0]
    assert not episode.ok and not episode.errors


async def test_the_server_that_trainers_ask_gives_rewards_and_errors(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}", r"\boxed{4}")
    served = EnvServer(
        config(n=3, cat={"estimator": f"openai:{server.model}"}), address="tcp://127.0.0.1:0"
    )
    task = next(iter(served.env.taskset)).data.model_dump(mode="json")
    ctx = context(server)
    asked = {"task_data": task, "client": ctx.client, "model": ctx.model, "sampling": {}}
    asked["sampling"] = vf.SamplingConfig()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(served.run)
        client = EnvClient(served.address)
        with anyio.fail_after(60):
            await client.wait_for_server_startup()
            episode = await client.run(**asked)
            assert episode.ok and rewards(episode) == [1.0, 0.0, 1.0]
            refusing(server, lambda text: "UNIFIED RESPONSE" in text)
            failed = await client.run(**asked)
            assert not failed.ok and rewards(failed) == [None] * 3
            assert "no such luck" in failed.errors[0].message
        await client.close()
        tasks.cancel_scope.cancel()


def command(server: LoopbackServer, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run `vf-eval` on one task, and give the episode that it wrote."""
    path = ":".join([str(PLUGINS), *sys.path])
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from verifiers.v1.cli.eval.main import main; main()"),
            *("sums-for-cat", "--env.id", "catsdk-env", "-n", "1", "--no-push", "--no-rich"),
            *("--model", server.model, "--client.base-url", server.url),
            *("--client.api-key-var", "OPENAI_API_KEY", "--output-dir", str(folder)),
            *("--env.agent.runtime.type", "subprocess"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (traces,) = folder.rglob("traces.jsonl")
    (line,) = traces.read_text(encoding="utf-8").splitlines()
    return dict(json.loads(line))


@pytest.mark.allow_blocking
@pytest.mark.parametrize("by_file", [False, True])
async def test_the_command_of_verifiers_takes_the_method(
    serve: Serve, tmp_path: Path, by_file: bool
) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}", r"\boxed{4}")
    anchor = f"openai:{server.model}"
    method = ["--env.cat.estimator", anchor, "--env.cat.reward", "AnswerReward"]
    if by_file:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(cat.CaT(estimator=anchor, reward=cat.AnswerReward()).to_yaml())
        method = ["--env.cat", "@", str(recipe), "--env.task-rewards"]
    episode = command(server, tmp_path / "out", "--env.n", "3", *method)
    assert episode["ok"], episode["errors"]
    scores = [trace["rewards"]["cat"]["score"] for trace in episode["traces"]]
    assert scores == [1.0, 0.0, 1.0]
    assert ["correct" in trace["rewards"] for trace in episode["traces"]] == [by_file] * 3


# Reads which packages are installed, before anything runs.
@pytest.mark.allow_blocking
@pytest.mark.parametrize(
    ("method", "named"),
    [({"reward": "AnswerRewards"}, "AnswerRewards"), ({"rewards": "AnswerReward"}, "rewards")],
)
async def test_what_is_not_known_is_refused_before_an_attempt(
    method: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInputError, match=named):
        vf.load_environment(config(cat=method))


async def test_what_makes_no_reward_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="has no reward"):
        GroupRubric(cat.CaT(estimator=cat.Majority()))
    task = vf.Task(vf.TaskData(prompt="2+2?"))
    with pytest.raises(InvalidInputError, match="no traces"):
        await Pairs.rubric.score(task, [])


@pytest.mark.allow_blocking  # The page is read.
async def test_the_code_of_the_documentation_runs(serve: Serve) -> None:
    server = serve(r"\boxed{4}", r"\boxed{5}", r"\boxed{4}")
    page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    section = page.partition("\n## verifiers")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "documentation"}
    exec(compile(block, "docs", "exec", dont_inherit=True), names)  # noqa: S102
    solver = {"runtime": {"type": "subprocess"}}
    settings = {"taskset": {"id": "sums-for-cat"}, "solver": solver}
    own = names["AttemptsConfig"].model_validate(settings)
    episode = await played(names["Attempts"](own), server)
    assert episode.ok, episode.errors
    assert rewards(episode) == [1.0, 0.0, 1.0]

    (block,) = re.findall(r"^```toml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (source,) = tomllib.loads(block)["orchestrator"]["train"]["source"]
    assert source["group_size"] == 1
    env = vf.load_environment(config(**source["env"] | {"taskset": {"id": "sums-for-cat"}}))
    assert isinstance(env, CaTEnv) and env.config.n == 8
    assert "vllm:Qwen/Qwen3-4B" in repr(env.rubric.cat)
