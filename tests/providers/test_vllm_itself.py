"""Real vLLM, as a server and as an engine in this process: the contract, and what is its own.

It has an environment of its own, and takes minutes to start: `make test-vllm`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel

# Not imported here: that takes long, and warns.
if find_spec("vllm") is None:
    pytest.skip("vLLM has its own environment: make test-vllm", allow_module_level=True)

import catsdk as cat
from catsdk.core import errors
from catsdk.core.ports import Scorer
from catsdk.core.types import Message, TokenLogprob
from catsdk_providers.local.provider import LocalProvider
from catsdk_providers.vllm.engine import VLLMEngineProvider
from catsdk_providers.vllm.provider import VLLMProvider
from tests.providers.contract import Opened, ProviderContract, ask
from tests.providers.served import free_port, served
from tests.providers.tiny_adapter import RANK, write_adapter

BOX = Path(__file__).parents[2] / "providers" / "catsdk_providers" / "box" / "weights"
STARTS_WITHIN = 600
ENGINE: dict[str, Any] = {
    "enforce_eager": True,
    "enable_lora": True,
    "max_lora_rank": 8,
    # A prompt shares whole blocks of its tokens: the prompts here are short.
    "block_size": 32,
}
QUESTION = (Message(role="user", content="12+34"),)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}

assert RANK <= ENGINE["max_lora_rank"]
# The warnings of vLLM and of what it stands on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def server() -> Generator[str]:
    """The address of a vLLM server with the model in the box, as `box`."""
    port = free_port()
    arguments = [
        "-m", "vllm.entrypoints.openai.api_server", "--model", str(BOX),
        "--served-model-name", "box", "--host", "127.0.0.1", "--port", str(port),
        "--enforce-eager", "--enable-lora", "--max-lora-rank", "8", "--block-size", "32",
        "--enable-prompt-tokens-details",
    ]  # fmt: skip
    with served(
        [sys.executable, *arguments],
        ready="Application startup complete",
        within=STARTS_WITHIN,
        environment={"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"},
    ):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="module")
def engine() -> Generator[VLLMEngineProvider]:
    """A provider in this process whose engine runs as long as the module's tests."""
    provider = VLLMEngineProvider(str(BOX), prompts="box", **ENGINE)
    anyio.run(provider.__aenter__)
    yield provider
    anyio.run(provider.__aexit__)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("lora") / "other-voice", BOX)


class TestServerKeepsTheContract(ProviderContract):
    @pytest.fixture
    def opened(self, server: str) -> Opened:
        return partial(VLLMProvider, "box", base_url=server)


class TestEngineKeepsTheContract(ProviderContract):
    @pytest.fixture
    def opened(self, engine: VLLMEngineProvider) -> Opened:
        """The module's `engine` is running, so that these are quickly entered."""
        return partial(VLLMEngineProvider, str(BOX), **ENGINE)


@dataclass(frozen=True)
class Way:
    """One of the two ways to a model, and how an adapter is had on it."""

    provider: VLLMProvider | VLLMEngineProvider

    async def with_adapter(self, path: Path) -> VLLMProvider | VLLMEngineProvider:
        if isinstance(self.provider, VLLMProvider):
            return await self.provider.load_adapter(path.name, str(path))
        return self.provider.with_adapter(path)


@pytest.fixture(params=["server", "engine"])
def way(request: pytest.FixtureRequest) -> Way:
    if request.param == "engine":
        return Way(request.getfixturevalue("engine"))
    able = replace(VLLMProvider("box").capabilities, prompts="box")
    url = request.getfixturevalue("server")
    return Way(VLLMProvider("box", base_url=url, capabilities=able))


Shown = Callable[[str, object], None]


@pytest.fixture
def shown(request: pytest.FixtureRequest, way: Way) -> Shown:
    """Writes a line to the terminal, for the output that the documentation keeps."""
    terminal: Any = request.config.pluginmanager.get_plugin("terminalreporter")
    capture: Any = request.config.pluginmanager.get_plugin("capturemanager")

    def write(what: str, value: object) -> None:
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(f"  {type(way.provider).__name__}: {what}: {value}")

    return write


async def test_one_synthesis_of_eight_rollouts(way: Way, shown: Shown) -> None:
    with anyio.fail_after(120):
        async with way.provider:
            reference = await cat.synthesize("17+25", n=8, model=way.provider)
    assert len(reference.rollouts) == 8
    assert reference.group.usage.requests == 1
    assert reference.text
    texts = sorted({rollout.answer or "-" for rollout in reference.rollouts})
    shown("answers of 8 rollouts", texts)
    shown("reference", repr(reference.text))
    shown("usage", reference.usage)


async def test_a_json_schema_is_enforced(way: Way, shown: Shown) -> None:
    """A model that has never seen JSON writes it, and nothing else."""
    compact = {"structured_outputs": {"json": SCHEMA, "disable_any_whitespace": True}}
    with anyio.fail_after(60):
        async with way.provider:
            (free,) = await way.provider.complete(ask(seed=1))
            bound = await way.provider.complete(ask(json_schema=SCHEMA, n=8, max_tokens=64))
            short = await way.provider.complete(ask(extra=compact, n=8, max_tokens=64))
    assert not free.text.startswith("{")
    # White space is allowed between tokens, and a model without a mind of its own may go on in it.
    assert all(each.text.startswith("{") for each in bound)
    whole = [json.loads(e.text) for e in [*bound, *short] if e.finish_reason == "stop"]
    assert whole
    assert all(set(value) == {"a"} and isinstance(value["a"], int) for value in whole)
    shown("without and with a schema", [free.text, json.dumps(whole[0])])


class Reponse(BaseModel):
    couleur: Literal["rouge", "bleu"]


async def test_references_obey_a_system_prompt_that_asks_for_french_as_json(
    way: Way, shown: Shown
) -> None:
    """A model that knows sums alone: what obeys here is the schema, and nothing breaks."""
    prompts = [
        [
            {"role": "system", "content": 'Answer in French, as JSON {"couleur": ...}.'},
            {"role": "user", "content": f"The colour of {thing}?"},
        ]
        for thing in ("the sky", "blood", "the sea")
    ]
    sampling = cat.Sampling(max_tokens=64)
    with anyio.fail_after(120):
        async with cat.CaT(way.provider, estimator=cat.Majority(), output=Reponse) as c:
            results = [each async for each in c.map(prompts, 8, sampling=sampling, ordered=True)]
    for result in results:
        # A rollout may end in white space at its limit; one that is whole fits.
        assert result.group is not None and len(result.group.rollouts) == 8
        whole = [r for r in result.group.rollouts if r.completion.finish_reason == "stop"]
        assert all(rollout.answer is not None for rollout in whole)
        assert isinstance(result.output, Reponse) is bool(whole)
        assert result.failure is None or result.failure.kind == "NoValidOutputError"
    obedient = [result.output for result in results if isinstance(result.output, Reponse)]
    assert obedient
    shown("references in French, as JSON", f"{len(obedient)} of {len(prompts)}")


async def test_a_choice_is_enforced(way: Way) -> None:
    extra = {"structured_outputs": {"choice": ["cat", "teacher"]}}
    with anyio.fail_after(60):
        async with way.provider:
            answers = await way.provider.complete(ask(n=8, extra=extra))
    assert {each.text for each in answers} <= {"cat", "teacher"}


async def test_a_seeds_row_i_is_the_only_row_of_the_seed_plus_i(way: Way) -> None:
    with anyio.fail_after(60):
        async with way.provider:
            together = await way.provider.complete(ask(n=3, seed=5, temperature=1.5))
            alone = [
                (await way.provider.complete(ask(seed=5 + at, temperature=1.5)))[0]
                for at in range(3)
            ]
    assert [each.text for each in together] == [each.text for each in alone]


def values(logprobs: tuple[TokenLogprob, ...] | None) -> list[float]:
    assert logprobs
    return [each.logprob for each in logprobs]


async def test_a_text_is_scored_as_the_same_model_in_transformers_scores_it(
    way: Way, shown: Shown
) -> None:
    text = "12+34=46\n\\boxed{46}"
    assert isinstance(way.provider, Scorer)
    with anyio.fail_after(120):
        async with way.provider, LocalProvider() as local:
            scored = await way.provider.score(QUESTION, text)
            known = await local.score(QUESTION, text)
    assert scored.text == text
    assert "".join(each.token for each in scored.logprobs or ()) == text
    # vLLM computes in bfloat16, as the weights are stored; the local provider in float32.
    assert values(scored.logprobs) == pytest.approx(values(known.logprobs), abs=0.3)
    shown("score", [round(value, 3) for value in values(scored.logprobs)])
    shown("transformers", [round(value, 3) for value in values(known.logprobs)])


async def test_a_sampled_answer_scores_as_it_was_sampled(way: Way) -> None:
    with anyio.fail_after(60):
        async with way.provider:
            (answer,) = await way.provider.complete(ask(logprobs=True, seed=3, max_tokens=100))
            scored = await way.provider.score(QUESTION, answer.text)
    sampled = values(answer.logprobs)[: len(scored.logprobs or ())]
    assert values(scored.logprobs) == pytest.approx(sampled, abs=0.1)


async def test_an_adapter_is_loaded_at_run_time_and_leaves_the_base_as_it_was(
    way: Way, adapter: Path, shown: Shown
) -> None:
    text = "12+34=46"
    with anyio.fail_after(120):
        async with way.provider:
            before = values((await way.provider.score(QUESTION, text)).logprobs)
            tuned = await way.with_adapter(adapter)
            async with tuned:
                other = values((await tuned.score(QUESTION, text)).logprobs)
                (answer,) = await tuned.complete(ask(temperature=0.0))
            after = values((await way.provider.score(QUESTION, text)).logprobs)
    assert after == pytest.approx(before, abs=1e-3)
    assert max(abs(a - b) for a, b in zip(before, other, strict=True)) > 0.5
    shown("base", [round(value, 3) for value in before])
    shown("with the adapter", [round(value, 3) for value in other])
    shown("with the adapter it says", repr(answer.text))


async def test_prompts_that_begin_alike_share_their_beginning(way: Way, shown: Shown) -> None:
    messages = (Message(role="user", content="1+2+3+4+5+6+7+8+9+" * 20 + "1"),)
    with anyio.fail_after(60):
        async with way.provider:
            await way.provider.complete(ask(messages=messages))
            (again,) = await way.provider.complete(ask(messages=messages))
            salted = await way.provider.complete(
                ask(messages=messages, extra={"cache_salt": os.urandom(8).hex()})
            )
    assert 0 < again.usage.cached_tokens < again.usage.input_tokens
    assert salted[0].usage.cached_tokens == 0
    shown("cached of input tokens", (again.usage.cached_tokens, again.usage.input_tokens))


async def test_what_vllm_cannot_do_is_refused_by_name(way: Way) -> None:
    async with way.provider:
        with anyio.fail_after(60):
            with pytest.raises(errors.UnsupportedError, match="structured_outputs"):
                await way.provider.complete(ask(extra={"guided_json": SCHEMA}))
            with pytest.raises(errors.ContextTooLongError):
                await way.provider.complete(ask(max_tokens=100_000))
            with pytest.raises(errors.ContextTooLongError):
                await way.provider.complete(ask("1+" * 5000))
            with pytest.raises((errors.InvalidInputError, errors.RequestRefusedError)):
                await way.provider.complete(ask(temperature=-1.0))


async def test_a_model_or_adapter_that_is_not_there_is_named(
    server: str, engine: VLLMEngineProvider
) -> None:
    with anyio.fail_after(60):
        async with VLLMProvider("nobody", base_url=server) as provider:
            with pytest.raises(errors.ModelNotFoundError, match="nobody"):
                await provider.complete(ask())
            with pytest.raises(errors.ModelNotFoundError, match="RUNTIME_LORA"):
                await provider.load_adapter("x", "/nowhere")
        with pytest.raises(errors.ModelNotFoundError, match="/nowhere"):
            await engine.with_adapter("/nowhere").complete(ask())
        assert (await engine.complete(ask()))[0].text


async def test_a_setting_that_the_engine_does_not_know_is_refused(
    engine: VLLMEngineProvider,
) -> None:
    with pytest.raises(errors.UnsupportedError) as caught:
        await engine.complete(ask(extra={"nonsense": 1}))
    assert caught.value.capability == "extra.nonsense"


async def test_a_cancelled_request_leaves_the_engine(engine: VLLMEngineProvider) -> None:
    endless = ask(n=16, max_tokens=2000, extra={"ignore_eos": True})
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.complete, endless)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert (await engine.complete(ask()))[0].text


def test_a_model_that_is_not_there_does_not_start(engine: VLLMEngineProvider) -> None:
    missing = VLLMEngineProvider("/nowhere/at/all", **ENGINE)
    with pytest.raises((errors.ModelNotFoundError, errors.ConfigurationError), match="nowhere"):
        anyio.run(missing.complete, ask())
