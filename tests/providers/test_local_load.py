"""Local models: found, loaded once, refused in words, with an adapter on and off."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
import torch
from anyio import to_thread
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

from catsdk.core.errors import ConnectionFailedError, InvalidInputError, ModelNotFoundError
from catsdk.core.model_strings import resolve
from catsdk.core.types import Completion, Message, Request
from catsdk_providers.box import BOX
from catsdk_providers.local.load import read_weights
from catsdk_providers.local.provider import LocalProvider
from tests.providers.tiny_gguf import write_gguf
from tests.providers.tiny_models import tiny_model, tiny_tokenizer, watched_model

pytestmark = [
    pytest.mark.needs_torch,
    # PEFT still reads the old name.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning"),
]

REQUEST = Request(
    messages=(Message(role="user", content="12+34"),), n=2, seed=0, max_tokens=16, temperature=1.0
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tiny_model().save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


async def texts(provider: LocalProvider) -> list[str]:
    with anyio.fail_after(30):
        return [completion.text for completion in await provider.complete(REQUEST)]


def with_adapter(base: PreTrainedModel) -> PreTrainedModel:
    """A PEFT model whose adapter changes what the model says."""
    torch.manual_seed(7)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    return cast("PreTrainedModel", get_peft_model(base, config))


async def test_a_saved_model_says_what_it_said_in_memory(saved: Path) -> None:
    in_memory = LocalProvider.of(tiny_model(), tiny_tokenizer())
    async with LocalProvider(str(saved)) as from_disk:
        assert await texts(from_disk) == await texts(in_memory)
        assert from_disk.name == f"local:{saved}"


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    tokenizer = tiny_tokenizer()
    return write_gguf(tmp_path / "tiny.gguf", tiny_model("llama"), tokenizer)


@pytest.mark.parametrize("of_its_folder", [False, True])
async def test_a_gguf_file_says_what_the_model_said_in_memory(
    gguf: Path, of_its_folder: bool
) -> None:
    in_memory = LocalProvider.of(tiny_model("llama"), tiny_tokenizer())
    async with LocalProvider(str(gguf.parent if of_its_folder else gguf)) as from_file:
        assert await texts(from_file) == await texts(in_memory)


async def test_what_was_read_from_a_gguf_file_can_be_saved_and_says_the_same(
    gguf: Path, tmp_path: Path
) -> None:
    model, tokenizer = await to_thread.run_sync(read_weights, gguf, torch.float32)
    assert not getattr(model, "is_quantized", False)
    await to_thread.run_sync(model.save_pretrained, tmp_path / "plain")
    await to_thread.run_sync(tokenizer.save_pretrained, tmp_path / "plain")
    async with (
        LocalProvider(str(gguf)) as from_file,
        LocalProvider(str(tmp_path / "plain")) as from_folder,
    ):
        assert await texts(from_file) == await texts(from_folder)


@pytest.mark.parametrize("spoil", ["empty", "cut", "of another kind", "no gguf"])
async def test_a_gguf_file_that_cannot_be_read_is_named(tmp_path: Path, spoil: str) -> None:
    file, model = tmp_path / "spoilt.gguf", tiny_model("llama")
    kind = "nobodys" if spoil == "of another kind" else "llama"
    whole = write_gguf(file, model, tiny_tokenizer(), architecture=kind).read_bytes()
    if spoil != "of another kind":
        file.write_bytes({"empty": b"", "cut": whole[:-5000], "no gguf": b"{}" * 999}[spoil])
    with anyio.fail_after(30), pytest.raises(ModelNotFoundError, match=r"spoilt\.gguf"):
        async with LocalProvider(str(file)):
            pass


async def test_a_gguf_file_that_is_not_there_is_not_asked_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="there is no directory"):
        async with LocalProvider("away.gguf"):
            pass


async def test_a_model_without_a_chat_template_is_said_to_have_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokenizer = tiny_tokenizer(None)
    file = write_gguf(tmp_path / "plain.gguf", tiny_model("llama"), tokenizer)
    async with LocalProvider(str(file)):
        pass
    assert f"{file} has no chat template" in caplog.text


def test_the_prompt_set_is_the_one_that_the_model_s_configuration_names(
    saved: Path,
) -> None:
    model = tiny_model()
    assert LocalProvider.of(model, tiny_tokenizer()).capabilities.prompts == "english"
    model.config.catsdk_prompts = "box"
    model.save_pretrained(saved)
    assert LocalProvider(str(saved)).capabilities.prompts == "box"
    assert LocalProvider(str(saved), prompts="english").capabilities.prompts == "english"


async def test_opening_a_model_does_not_block_the_event_loop(saved: Path) -> None:
    async with LocalProvider(str(saved)) as provider:
        assert provider.capabilities.context_length


async def test_the_first_request_loads_a_model_that_was_not_opened(saved: Path) -> None:
    assert len(await texts(LocalProvider(str(saved)))) == 2


def test_providers_of_one_model_share_its_weights(saved: Path) -> None:
    first, second = LocalProvider(str(saved)), LocalProvider(str(saved))
    assert first.capabilities == second.capabilities
    assert first._load() is second._load()


def test_a_model_in_memory_is_freed_with_its_last_provider() -> None:
    model = tiny_model()
    watch = weakref.ref(model)
    providers = [LocalProvider.of(model, tiny_tokenizer()) for _ in range(2)]
    assert providers[0]._load() is providers[1]._load()
    del model, providers
    gc.collect()
    assert watch() is None


def test_the_registry_makes_the_model_in_the_box_and_models_of_a_path(saved: Path) -> None:
    box, other = resolve("local"), resolve(f"local:{saved}")
    assert isinstance(box, LocalProvider)
    assert isinstance(other, LocalProvider)
    assert (box.name, box.capabilities.prompts) == ("local", "box")
    assert (other.name, other.capabilities.prompts) == (f"local:{saved}", "english")
    assert BOX.is_dir()


@pytest.mark.parametrize("name", ["./no-such-model", "/no/such/model", "~/no-such", "a/b/c"])
async def test_a_path_that_is_not_there_is_named_with_the_fix(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match="give a local directory") as caught:
        await texts(LocalProvider(name))
    assert name in str(caught.value)
    assert caught.value.model == name


@pytest.mark.parametrize(
    "spoil", [lambda model: None, lambda model: (model / "config.json").write_text("{}")]
)
async def test_a_directory_without_a_model_is_named(tmp_path: Path, spoil: Any) -> None:
    spoil(tmp_path)
    with pytest.raises(ModelNotFoundError, match="no model could be loaded from"):
        await texts(LocalProvider(str(tmp_path)))


async def test_weights_that_are_cut_off_are_refused_by_name(saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelNotFoundError, match="no model could be loaded from"):
        await texts(LocalProvider(str(saved)))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_name_that_no_hub_can_be_asked_about_fails_at_once() -> None:
    with anyio.fail_after(15), pytest.raises((ModelNotFoundError, ConnectionFailedError)) as caught:
        async with LocalProvider("catsdk-tests/no-such-model"):
            pass
    assert "catsdk-tests/no-such-model" in str(caught.value)
    assert "local directory" in str(caught.value)


async def test_the_adapter_turned_off_is_the_model_without_it() -> None:
    plain = await texts(LocalProvider.of(tiny_model(), tiny_tokenizer()))
    model = with_adapter(tiny_model())
    policy = LocalProvider.of(model, tiny_tokenizer(), name="policy")
    anchor = LocalProvider.of(model, tiny_tokenizer(), name="policy", adapter=False)
    assert policy._load() is anchor._load()
    assert await texts(anchor) == plain
    changed = await texts(policy)
    assert changed != plain
    assert await texts(anchor) == plain
    assert (policy.name, anchor.name) == ("local:policy", "local:policy (adapter off)")


async def test_a_batch_never_mixes_the_adapter_on_and_off() -> None:
    base = watched_model()
    model = with_adapter(base)
    policy = LocalProvider.of(model, tiny_tokenizer())
    anchor = LocalProvider.of(model, tiny_tokenizer(), adapter=False)
    alone = [await texts(policy), await texts(anchor)]
    found: dict[int, list[Completion]] = {}

    async def one(index: int) -> None:
        found[index] = list(await (policy, anchor)[index % 2].complete(REQUEST))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for index in range(20):
                tasks.start_soon(one, index)
    for index, completions in found.items():
        assert [completion.text for completion in completions] == alone[index % 2]


async def test_an_adapter_in_a_directory_is_loaded_and_can_be_turned_off(
    saved: Path, tmp_path: Path
) -> None:
    adapted = with_adapter(tiny_model())
    assert isinstance(adapted, PeftModel)
    adapted.peft_config["default"].base_model_name_or_path = str(saved)
    adapted.save_pretrained(str(tmp_path / "adapter"))
    tiny_tokenizer().save_pretrained(tmp_path / "adapter")
    wanted = await texts(LocalProvider.of(adapted, tiny_tokenizer()))
    path = str(tmp_path / "adapter")
    assert await texts(LocalProvider(path)) == wanted
    assert await texts(LocalProvider(path, adapter=False)) == await texts(LocalProvider(str(saved)))


def test_turning_off_an_adapter_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no adapter to turn off"):
        LocalProvider.of(tiny_model(), tiny_tokenizer(), adapter=False)


def test_a_batch_of_no_tokens_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="max_batch_tokens is 0"):
        LocalProvider(max_batch_tokens=0)


@pytest.fixture(autouse=True)
def forget_loaded() -> Iterator[None]:
    """Let no engine of a temporary directory outlive its test."""
    yield
    gc.collect()
