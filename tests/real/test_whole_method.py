"""The whole method on SmolLM2, through the door of this environment: `make real`.

A model of 135 million parameters often writes no synthesis and no rubric. That is reported as an
expected failure, with catsdk's own error; anything else that goes wrong fails the test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

from tests.real.doors import FOLDER, WHICH, Door, opened

if not WHICH:
    pytest.skip("a real model has environments of its own: make real", allow_module_level=True)

import catsdk as cat
from catsdk import Provider
from catsdk.errors import NoEvidenceError, StructuredOutputError, SynthesisFailedError
from catsdk.events import ResultReady, TextArrived
from catsdk.types import Failure, Message, Request
from tests.forked import CATSDK, PATHS

# Ends what hangs: on a machine that is busy with other work a rubric takes over ten minutes.
PATIENCE = 1800
# A server's own environment has no packages for reports.
PYTHON = os.environ.get("CATSDK_REAL_PYTHON", sys.executable)
QUESTION = "What is 3 + 4? Reply with the number only."
SHORT = cat.Sampling(max_tokens=24, temperature=0.7)
# For an anchor of this size: one line to read, and one to write.
BRIEF = cat.Sampling(max_tokens=24, temperature=0.0)
WEAK = (NoEvidenceError, StructuredOutputError, SynthesisFailedError)

pytestmark = [
    # Warnings of torch, TRL and what they stand on are theirs.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture
def anyio_backend() -> str:
    """One event loop: what is tried here is the model."""
    return "asyncio"


@pytest.fixture(scope="module")
def door() -> Generator[Door]:
    with opened() as way:
        yield way


@pytest.fixture
async def model(door: Door) -> AsyncGenerator[Provider]:
    # A client opens what is not open yet; here it stays open between the tests' own clients.
    async with door.provider() as provider:  # type: ignore[attr-defined]
        yield provider


@contextmanager
def weak_allowed() -> Generator[None]:
    """Report what such a small model cannot write as an expected failure."""
    try:
        yield
    except WEAK as error:
        pytest.xfail(f"the model is weak: {type(error).__name__}: {error}"[:300])


def weak(failure: Failure | None) -> None:
    """As `weak_allowed`, for a failure that was kept."""
    if failure is None:
        return
    assert failure.kind in {error.__name__ for error in WEAK} | {"NoValidOutputError"}, failure
    pytest.xfail(f"the model is weak: {failure.kind}: {failure.message}"[:300])


def written(reference: cat.Reference | None) -> cat.Reference:
    """The reference that the anchor's first reply was; none was read where a rollout stands in."""
    assert reference is not None
    if reference.partial:
        because = reference.provenance.settings["because"]
        pytest.xfail(f"the model is weak: {because}"[:300])
    if len(reference.calls) > 1:
        pytest.xfail(
            "the model is weak: its first reply held no synthesis, so another was asked for"
        )
    return reference


async def test_a_group_is_sampled_and_counted(model: Provider) -> None:
    async with cat.CaT(model) as c:
        with anyio.fail_after(PATIENCE):
            group = await c.sample(QUESTION, 4, sampling=SHORT, seed=0)
    assert (len(group.rollouts), dict(group.failures)) == (4, {})
    assert all(rollout.text.strip() for rollout in group.rollouts)
    assert 4 <= group.usage.output_tokens <= 4 * 24
    assert group.usage.unreported == 0


async def test_log_probabilities_are_those_of_the_text(model: Provider) -> None:
    message = Message(role="user", content=QUESTION)
    request = Request(messages=(message,), n=1, max_tokens=16, logprobs=True, temperature=0.0)
    with anyio.fail_after(PATIENCE):
        (completion,) = await model.complete(request)
    assert completion.logprobs is not None
    assert all(each.logprob <= 0 for each in completion.logprobs)
    assert completion.text.strip() in "".join(each.token for each in completion.logprobs)


async def test_a_reference_is_synthesized_from_a_group(model: Provider) -> None:
    estimator = cat.Synthesizer(prompts="small", sampling=BRIEF)
    async with cat.CaT(model, estimator=estimator) as c:
        with anyio.fail_after(PATIENCE), weak_allowed():
            result = await c.run(QUESTION, 4, sampling=SHORT)
    reference = written(result.reference)
    assert reference.text.strip()
    assert reference.provenance.method == "synthesis"
    assert reference.group.rollouts


async def test_the_stream_of_a_synthesis_is_its_text(model: Provider) -> None:
    heard, results = list[str](), list[cat.Result]()
    estimator = cat.Synthesizer(prompts="small", sampling=BRIEF)
    async with cat.CaT(model, estimator=estimator) as c:
        with anyio.fail_after(PATIENCE), weak_allowed():
            async for event in c.stream(QUESTION, 4, sampling=SHORT):
                if isinstance(event, TextArrived):
                    heard.append(event.text)
                elif isinstance(event, ResultReady):
                    results.append(event.result)
    assert heard
    (result,) = results
    weak(result.failure)
    assert written(result.reference).text.strip() in "".join(heard)


async def test_rollouts_are_rewarded_by_the_majority_s_answer(model: Provider) -> None:
    async with cat.CaT(model, estimator=cat.Majority(), reward=cat.AnswerReward()) as c:
        with anyio.fail_after(PATIENCE), weak_allowed():
            result = await c.run(QUESTION, 8, sampling=SHORT, seed=0)
    weak(result.failure)
    values = [score.value for score in result.scores]
    assert len(values) == 8
    assert all(value in {None, 0.0, 1.0} for value in values)
    assert 1.0 in values


async def test_a_rubric_is_proposed_and_judged(model: Provider) -> None:
    # Else it repeats one criterion until the limit.
    extra: dict[str, Any] = {"repeat_penalty": 1.3} if WHICH == "llama.cpp" else {}
    writes = cat.Sampling(max_tokens=160, temperature=0.3, extra=extra)
    reward = cat.RubricReward(
        proposer=cat.RubricProposer(sampling=writes, at_least=2, at_most=3, attempts=2),
        judge=cat.Judge(sampling=cat.Sampling(max_tokens=120, temperature=0.0)),
    )
    group = cat.group_of("Why is the sky blue?", ["It scatters blue light.", "It is green."])
    async with cat.CaT(model, estimator=cat.Majority(), reward=reward) as c:
        with anyio.fail_after(PATIENCE), weak_allowed():
            result = await c.run(group)
    weak(result.failure)
    if not result.rubrics:
        # No reply held criteria: then no rollout has a number, and each says why.
        assert [score.value for score in result.scores] == [None, None]
        weak(result.scores[0].failure)
    (rubric,) = result.rubrics
    assert 2 <= len(rubric.criteria) <= 3
    for score in result.scores:
        assert score.value is None or 0 <= score.value <= 1
        assert (score.value is None) == any(verdict.met is None for verdict in score.verdicts)


class City(BaseModel):
    name: str


async def test_an_output_has_the_form_that_is_asked_for(model: Provider) -> None:
    async with cat.CaT(model, estimator=cat.Majority(), output=City) as c:
        with anyio.fail_after(PATIENCE), weak_allowed():
            result = await c.run(
                "Name the capital of France.", 4, sampling=cat.Sampling(max_tokens=64)
            )
    weak(result.failure)
    assert isinstance(result.output, City)


def command(door: Door, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, *CATSDK, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, **door.environment, "PYTHONPATH": PATHS},
    )


def test_estimators_are_compared_from_the_command_line(door: Door, tmp_path: Path) -> None:
    ask = "Reply with the number only."
    rows = [{"prompt": f"What is {a} + 4? {ask}", "answer": str(a + 4)} for a in range(1, 5)]
    data = tmp_path / "sums.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    done = command(
        door, "eval", str(data), "--model", door.model, "-e", "majority", "-e", "small-synthesis",
        "--sizes", "4", "--max-tokens", "40", "--temperature", "0.4",
        "--out", str(tmp_path / "out"), seconds=PATIENCE,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "4 items, 16 rollouts" in done.stdout, done.stdout + done.stderr
    told = " ".join((done.stdout + done.stderr).split())
    if "have no final answer" in told or "failed on every item" in told:
        pytest.xfail(f"the model is weak: {' '.join(done.stderr.split())}"[:300])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "majority" in done.stdout


@pytest.mark.skipif(WHICH != "local", reason="what is trained runs in the trainer's process")
def test_two_steps_of_training_leave_a_model(door: Door, tmp_path: Path) -> None:
    ask = "Reply with the number only."
    rows = [{"prompt": f"What is {a} + {b}? {ask}"} for a in range(2, 6) for b in (3, 4)]
    data = tmp_path / "sums.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    sets = [
        "steps=2", "batch=4", "device_batch=4", "rollouts.count=4", "rollouts.max_tokens=16",
        "rollouts.temperature=0.7", "cat.estimator=Majority", "kl=0", "learning_rate=1e-5",
        "checkpoints.every=0", "failing.share=1.0", "trl.gradient_checkpointing=false",
    ]  # fmt: skip
    named = [word for setting in sets for word in ("--set", setting)]
    run = tmp_path / "run"
    done = command(
        door, "train", "--model", FOLDER, "--data", str(data), "--out", str(run), *named,
        seconds=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 steps, model in" in done.stdout
    assert (run / "model.safetensors").exists()
