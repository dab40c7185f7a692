"""What was recorded plays back, in order, without keys; nothing else is answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from catsdk.core.errors import ConfigurationError, InvalidInputError, NotRecordedError
from catsdk.core.model_strings import resolve
from catsdk.core.ports import Capabilities, OnText, capabilities_of
from catsdk.core.types import Completion, Failure, Message, Request
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.openai.provider import OpenAIProvider
from catsdk_providers.replay.provider import Recording, ReplayProvider
from catsdk_providers.vllm.provider import VLLMProvider
from tests.providers.contract import Opened, ProviderContract, ask, obedient
from tests.runtime.wrappers.whole_chain import whole_chain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "answers.jsonl"


def counting(**settings: Any) -> FunctionProvider:
    """A model whose every answer is another one."""
    numbers = count()
    return FunctionProvider(
        lambda request: [f"answer {next(numbers)}" for _ in range(request.n)], **settings
    )


async def replayed(path: Path, **settings: Any) -> ReplayProvider:
    return await to_thread.run_sync(lambda: ReplayProvider(path, **settings))


class RecordedThenPlayed:
    """Each request is answered by a recording first, then from its file; both must agree."""

    name = "replayed"

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.capabilities = capabilities_of(recording)
        self.asked = 0

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        self.asked += 1
        path = self.recording.path.with_suffix(f".{self.asked}")
        recorded = await Recording(self.recording.wrapped, path).complete(request)
        played = await (await replayed(path)).complete(request, on_text)
        assert list(played) == list(recorded)
        return played


class TestReplayProvider(ProviderContract):
    @pytest.fixture
    def opened(self, path: Path) -> Opened:
        return lambda: nullcontext(RecordedThenPlayed(Recording(FunctionProvider(obedient), path)))


async def test_equal_requests_replay_the_recorded_answers_one_after_the_other(path: Path) -> None:
    recording = Recording(counting(), path)
    first = await recording.complete(ask(n=2))
    second = await recording.complete(ask())
    played = await replayed(path)
    assert [*await played.complete(ask()), *await played.complete(ask(n=2))] == [*first, *second]


async def test_an_answer_is_given_once_and_the_next_request_is_refused(path: Path) -> None:
    await Recording(counting(), path).complete(ask(n=2))
    played = await replayed(path)
    assert len(await played.complete(ask(n=2))) == 2
    with pytest.raises(NotRecordedError, match="holds 2 answers to this request, and all"):
        await played.complete(ask())


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("recorded_with_n", [False, True])
async def test_samples_drawn_at_once_or_one_by_one_are_the_same_samples(
    path: Path, seed: int | None, recorded_with_n: bool
) -> None:
    model = counting(capabilities=Capabilities(n=recorded_with_n, seed=True))
    drawn = await draw(Recording(model, path), ask(n=4, seed=seed))
    played = await replayed(path)
    again = await draw(played, ask(n=4, seed=seed))
    assert sorted(map(str, again)) == sorted(map(str, drawn))
    if seed is not None:
        assert again == drawn


async def test_a_sample_that_was_not_recorded_fails_alone(path: Path) -> None:
    await draw(Recording(counting(), path), ask(n=3))
    samples = await draw(await replayed(path), ask(n=4))
    assert [type(sample) for sample in samples] == [*[Completion] * 3, Failure]
    assert isinstance(samples[3], Failure)
    assert samples[3].kind == "NotRecordedError"


async def test_an_unseen_prompt_is_refused_with_its_words(path: Path) -> None:
    await Recording(counting(), path).complete(ask())
    with pytest.raises(NotRecordedError, match="no answer to the prompt that ends with 'other'"):
        await (await replayed(path)).complete(ask("other"))


async def test_other_settings_are_refused_by_name(path: Path) -> None:
    await Recording(counting(), path).complete(ask(temperature=0.5))
    played = await replayed(path)
    with pytest.raises(NotRecordedError, match=r"temperature is 1\.0, recorded 0\.5"):
        await played.complete(ask(temperature=1.0))
    with pytest.raises(NotRecordedError, match=r"extra is \{'min_p': 0\.1\}, recorded \{\}"):
        await played.complete(ask(temperature=0.5, extra={"min_p": 0.1}))


async def test_by_prompt_settings_do_not_matter(path: Path) -> None:
    recording = Recording(counting(), path)
    recorded = [(await recording.complete(ask(temperature=t)))[0] for t in (0.5, 1.0)]
    played = await replayed(path, match="prompt")
    assert list(await played.complete(ask(n=2, seed=3, max_tokens=5))) == recorded
    with pytest.raises(NotRecordedError):
        await played.complete(ask("other"))


async def test_many_calls_record_at_once_and_none_is_lost(path: Path) -> None:
    recording = Recording(counting(), path)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for at in range(50):
                tasks.start_soon(recording.complete, ask(f"{at}", n=2))
    played = await replayed(path)
    texts = [c.text for at in range(50) for c in await played.complete(ask(f"{at}", n=2))]
    assert sorted(texts) == sorted(f"answer {at}" for at in range(100))


async def test_a_recording_goes_on_where_the_last_one_ended(path: Path) -> None:
    await Recording(counting(), path).complete(ask())
    await Recording(counting(), path).complete(ask())
    assert len(await (await replayed(path)).complete(ask(n=2))) == 2


@pytest.mark.behaviour("keys-are-never-shown")
@pytest.mark.parametrize("wire", [OpenAIProvider, AnthropicProvider, VLLMProvider])
async def test_keys_never_enter_the_file(
    path: Path, wire: type[OpenAIProvider | AnthropicProvider | VLLMProvider]
) -> None:
    key, header = "sk-very-secret-1234", "Basic c2VjcmV0LWhlYWRlcg=="

    def leak(request: Request) -> Completion:
        return Completion(text=f"your key is {key}", reasoning=f"and {header}")

    async with LoopbackServer(FunctionProvider(leak), key=key) as server:
        provider = wire(
            server.model, base_url=server.url, api_key=key, headers={"x-gateway": header}
        )
        async with Recording(provider, path) as recording:
            await recording.complete(ask(f"I am {key}"))
    kept = await to_thread.run_sync(path.read_text)
    assert key not in kept
    assert header not in kept
    assert "your key is ***" in kept


async def test_settings_that_hold_keys_are_neither_kept_nor_compared(path: Path) -> None:
    secret = {"api_key": "sk-1", "x_auth_token": "t", "max_tokens_to_think": 5}
    await Recording(counting(), path).complete(ask(extra=secret))
    kept = await to_thread.run_sync(path.read_text)
    assert json.loads(kept.splitlines()[1])["request"]["extra"] == {"max_tokens_to_think": 5}
    assert await (await replayed(path)).complete(ask(extra={**secret, "api_key": "sk-2"}))


async def test_one_file_holds_one_providers_answers(path: Path) -> None:
    await Recording(counting(name="a"), path).complete(ask())
    with pytest.raises(ConfigurationError, match="holds answers of a; record those of b"):
        await Recording(counting(name="b"), path).complete(ask())


async def test_a_line_that_a_killed_process_left_half_written_is_left_out(path: Path) -> None:
    recording = Recording(counting(), path)
    await recording.complete(ask(n=2))
    whole = await to_thread.run_sync(path.read_bytes)
    await to_thread.run_sync(path.write_bytes, whole[:-9])
    assert len(await (await replayed(path)).complete(ask(n=2))) == 1
    await recording.complete(ask())
    assert len(await (await replayed(path)).complete(ask(n=3))) == 2


async def test_the_recorded_provider_is_what_the_middleware_sees(path: Path) -> None:
    able = Capabilities(system=False, prompts="box", temperature=False, context_length=99)
    model = counting(name="small", capabilities=able)
    system = (Message(role="system", content="Brief."), *ask().messages)
    (recorded,) = await whole_chain(Recording(model, path)).complete(ask(messages=system))
    played = await replayed(path)
    assert played.name == "replay:small"
    assert played.capabilities == Capabilities(
        n=True, streaming=True, system=False, prompts="box", temperature=False, context_length=99
    )
    # The first look at the table of prices reads it.
    wrapped = await to_thread.run_sync(whole_chain, played)
    assert list(await wrapped.complete(ask(messages=system))) == [recorded]


def test_a_model_string_plays_a_file(path: Path) -> None:
    async def record() -> None:
        await Recording(counting(), path).complete(ask())

    anyio.run(record)
    assert isinstance(resolve(f"replay:{path}"), ReplayProvider)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no recorded answers at"),
        ("", "is empty"),
        ("not json\n", "is not a file of recorded answers"),
        ('{"catsdk-replay": 9, "name": "a", "capabilities": {}}\n', "is of version 9"),
        (
            '{"catsdk-replay": 1, "name": "a", "capabilities": {}}\n{}\n',
            "line 2, is not a recorded",
        ),
    ],
)
def test_a_file_that_cannot_be_played_is_named(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "answers.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        resolve(f"replay:{path}")


def test_a_replay_without_a_path_says_how_to_give_one() -> None:
    with pytest.raises(InvalidInputError, match="replay:PATH"):
        resolve("replay")
