"""Batches for `vllm run-batch`: files are written, and their answers read in any order."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

import catsdk as cat
from catsdk.core.sending import Batching
from catsdk.errors import ConfigurationError
from catsdk.providers import VLLMProvider
from catsdk.testing.chat_wire import CHAT
from catsdk.types import Completion, Usage


def answer(line: bytes) -> dict[str, object]:
    """A line of results, as vLLM's command writes it."""
    asked = json.loads(line)
    assert (asked["method"], asked["url"]) == ("POST", "/v1/chat/completions")
    text = f"\\boxed{{{len(asked['body']['messages'][-1]['content'])}}}"
    completion = Completion(text=text, usage=Usage(input_tokens=3, output_tokens=2, requests=1))
    body = CHAT.reply_of([completion], asked["body"])
    response = {"status_code": 200, "request_id": "vllm-batch-1", "body": body}
    return {"id": "vllm-1", "custom_id": asked["custom_id"], "response": response, "error": None}


async def run_batch(folder: Path) -> None:
    """Do what the command does, over each file that has no answers."""
    while True:
        for path in [each async for each in anyio.Path(folder).glob("*.jsonl")]:
            answers = path.with_suffix(".out.jsonl")
            if path.name.endswith(".out.jsonl") or await answers.exists():
                continue
            lines = (await path.read_bytes()).splitlines()
            told = [json.dumps(answer(line)) for line in reversed(lines)]
            await answers.write_text("\n".join(told) + "\n")
        await anyio.sleep(0.01)


async def test_requests_are_written_to_a_file_and_the_answers_of_the_command_are_read(
    tmp_path: Path,
) -> None:
    batching = Batching(send_after=0.05, poll=0.01, folder=str(tmp_path))
    client = cat.Client(batch=batching)
    policy = VLLMProvider("some-model", base_url="http://127.0.0.1:9/v1")
    await anyio.Path(tmp_path).mkdir(exist_ok=True)
    results = list[cat.Result]()
    async with (
        anyio.create_task_group() as tasks,
        cat.CaT(policy, estimator=cat.Majority(), client=client) as c,
    ):
        tasks.start_soon(run_batch, tmp_path)
        with anyio.fail_after(20):
            results = [r async for r in c.map(["a", "bb", "ccc"], n=1, ordered=True)]
        tasks.cancel_scope.cancel()
    assert [result.answer for result in results] == ["1", "2", "3"]
    assert all(result.usage.batched == 1 for result in results)


async def test_answers_that_one_request_cannot_bring_are_asked_for_one_by_one(
    tmp_path: Path,
) -> None:
    """At temperature 0 vLLM has one answer to a request, which is found out when it is packed."""
    batching = Batching(send_after=0.05, poll=0.01, folder=str(tmp_path))
    sampler = cat.Sampler(
        VLLMProvider("some-model", base_url="http://127.0.0.1:9/v1"), cat.Sampling(temperature=0.0)
    )
    client = cat.Client(batch=batching)
    group: cat.Group | None = None
    async with (
        anyio.create_task_group() as tasks,
        cat.CaT(sampler, estimator=cat.Majority(), client=client) as c,
    ):
        tasks.start_soon(run_batch, tmp_path)
        with anyio.fail_after(20):
            group = await c.sample("a", n=3)
        tasks.cancel_scope.cancel()
    assert group is not None
    assert [rollout.answer for rollout in group.rollouts] == ["1"] * 3
    assert not group.failures


async def test_without_a_folder_the_error_says_that_the_server_takes_no_batches() -> None:
    client = cat.Client(batch=True)
    policy = VLLMProvider("some-model", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigurationError, match=r"Batching\(folder=\.\.\.\)"):
        async with cat.CaT(policy, client=client):
            pass
