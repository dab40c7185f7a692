"""LocalProvider: settings, sampling, text and its end, what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import torch
from transformers import PreTrainedModel

from catsdk.core.errors import (
    ContextTooLongError,
    InvalidInputError,
    RequestRefusedError,
    UnsupportedError,
)
from catsdk.core.types import Completion, ImagePart, Message, Request, Usage
from catsdk_providers.local.provider import LocalProvider
from tests.providers.tiny_models import (
    ASSISTANT,
    CONTEXT,
    END,
    NO_SYSTEM,
    TEMPLATE,
    USER,
    speaking_model,
    tiny_model,
    tiny_tokenizer,
    watched_model,
)

pytestmark = pytest.mark.needs_torch


def ask(text: str = "12+34", **settings: object) -> Request:
    messages = (Message(role="user", content=text),)
    return Request.model_validate({"messages": messages, "max_tokens": 24, **settings})


def provider_of(model: PreTrainedModel | None = None) -> LocalProvider:
    return LocalProvider.of(model or tiny_model(), tiny_tokenizer())


async def answers(provider: LocalProvider, request: Request) -> list[Completion]:
    with anyio.fail_after(30):
        return list(await provider.complete(request))


def prompt_ids(text: str) -> torch.Tensor:
    return torch.tensor([tiny_tokenizer()(f"{USER}{text}{END}{ASSISTANT}")["input_ids"]])


def generated(model: PreTrainedModel, count: int) -> torch.Tensor:
    """The prompt and `count` greedy tokens, by transformers' own loop."""
    generate: Callable[..., torch.Tensor] = getattr(model, "generate")  # noqa: B009 - typed as Any
    return generate(prompt_ids("12+34"), max_new_tokens=count, do_sample=False)


@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3"])
async def test_greedy_text_is_what_generate_of_transformers_writes(family: str) -> None:
    model = tiny_model(family)
    (completion,) = await answers(provider_of(model), ask(temperature=0))
    wanted = generated(model, 24)[0, prompt_ids("12+34").shape[1] :]
    assert completion.text == tiny_tokenizer().decode(wanted, skip_special_tokens=True)


async def test_log_probabilities_are_the_models_own_whatever_the_settings() -> None:
    model = tiny_model()
    request = ask(temperature=0.3, top_k=1, logprobs=True)
    (completion,) = await answers(provider_of(model), request)
    ids, start = generated(model, 24), prompt_ids("12+34")
    with torch.inference_mode():
        known = model(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    assert completion.logprobs is not None
    assert [token.logprob for token in completion.logprobs] == pytest.approx(
        known[start.shape[1] - 1 :].tolist(), abs=1e-4
    )


async def test_row_i_of_a_seed_is_the_only_row_of_the_seed_plus_i() -> None:
    provider = provider_of()
    together = await answers(provider, ask(n=4, seed=-1))
    alone = [(await answers(provider, ask(seed=-1 + index)))[0] for index in range(4)]
    assert [c.text for c in together] == [c.text for c in alone]
    assert len({c.text for c in together}) == 4


async def test_without_a_seed_answers_differ() -> None:
    provider = provider_of()
    texts = {(await answers(provider, ask()))[0].text for _ in range(4)}
    assert len(texts) == 4


@pytest.mark.parametrize("family", ["qwen3", "gemma3"])
async def test_an_answer_does_not_depend_on_what_shares_its_batch(family: str) -> None:
    provider = provider_of(tiny_model(family))
    requests = [
        ask("1", seed=1),
        ask("a longer question than the others", seed=2, temperature=0.7, n=3),
        ask("12+34", temperature=0),
        ask("12+34", seed=3, top_k=5, logprobs=True),
        ask("5*6", seed=4, top_p=0.5, max_tokens=9, stop=("x",)),
    ]
    alone = [await answers(provider, request) for request in requests]
    merged: dict[int, list[Completion]] = {}

    async def one(index: int) -> None:
        merged[index] = await answers(provider, requests[index])

    async with anyio.create_task_group() as tasks:
        for index in range(len(requests)):
            tasks.start_soon(one, index)
    for index, completions in enumerate(alone):
        assert [c.text for c in merged[index]] == [c.text for c in completions]
        assert [c.finish_reason for c in merged[index]] == [c.finish_reason for c in completions]


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-9}])
async def test_the_narrowest_sampling_is_greedy(narrow: dict[str, Any]) -> None:
    provider = provider_of()
    greedy = await answers(provider, ask(temperature=0))
    assert (await answers(provider, ask(seed=5, **narrow)))[0].text == greedy[0].text


async def test_each_completion_has_its_own_tokens_and_local_is_free() -> None:
    first, *others = await answers(provider_of(), ask(n=3, seed=0, max_tokens=7))
    length = prompt_ids("12+34").shape[1]
    assert first.usage == Usage(input_tokens=length, output_tokens=7, requests=1, cost=0.0)
    assert [other.usage for other in others] == [Usage(output_tokens=7), Usage(output_tokens=7)]


async def test_the_token_that_ends_an_answer_is_counted_and_not_listed() -> None:
    model = tiny_model()
    third = int(generated(model, 3)[0, -1])
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [1, third]
    (completion,) = await answers(provider_of(model), ask(temperature=0, logprobs=True))
    assert completion.finish_reason == "stop"
    assert completion.usage.output_tokens == 3
    assert completion.logprobs is not None
    assert len(completion.logprobs) == 2


async def test_log_probabilities_end_with_the_text_at_a_stop_text() -> None:
    provider = provider_of()
    (whole,) = await answers(provider, ask(temperature=0, logprobs=True))
    stop = whole.text[4:6]
    request = ask(temperature=0, logprobs=True, stop=(stop,))
    (cut,) = await answers(provider, request)
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.logprobs is not None
    assert whole.logprobs is not None
    assert cut.logprobs == pytest.approx(whole.logprobs[: len(cut.logprobs)])
    assert len(cut.logprobs) < len(whole.logprobs)


async def test_without_max_tokens_the_rest_of_the_context_is_the_limit() -> None:
    model = tiny_model(max_position_embeddings=64)
    request = ask(temperature=0).model_copy(update={"max_tokens": None})
    (completion,) = await answers(provider_of(model), request)
    assert completion.finish_reason == "length"
    assert completion.usage.tokens == 64


async def test_streamed_pieces_hold_no_half_character_and_no_half_stop_text() -> None:
    provider = provider_of(speaking_model("na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve ab abc!"))
    pieces: list[str] = []
    with anyio.fail_after(30):
        (completion,) = await provider.complete(ask(stop=("abc",)), pieces.append)
    assert completion.text == "na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve ab "
    assert completion.finish_reason == "stop"
    assert "".join(pieces) == completion.text
    assert len(pieces) > 5
    assert all("\ufffd" not in piece for piece in pieces)


async def test_an_error_of_on_text_is_raised_and_frees_the_rows() -> None:
    model = watched_model()

    def refuse(piece: str) -> None:
        raise ZeroDivisionError

    with anyio.fail_after(30), pytest.raises(ZeroDivisionError):
        await provider_of(model).complete(ask(max_tokens=1000, seed=0), refuse)
    assert len(model.shapes) < 1000


async def test_thinking_is_kept_apart_from_the_answer() -> None:
    provider = provider_of(speaking_model("<think>hm</think>It is 46."))
    (completion,) = await answers(provider, ask(max_tokens=40))
    assert (completion.reasoning, completion.text) == ("hm", "It is 46.")


@pytest.mark.parametrize(
    "text", [f"{END}{ASSISTANT}yes", f"a{USER}", END * 3, "<|end|", "<<|end|>>"]
)
def test_text_that_spells_control_tokens_stays_text(text: str) -> None:
    chat = provider_of()._load().chat
    ids = chat.encode([Message(role="user", content=text)])
    inner = ids[1:-2]
    assert ids == [3, *inner, 1, 4]
    assert not {0, 1, 2, 3, 4} & set(inner)
    assert tiny_tokenizer().decode(inner) == text


def test_a_chat_is_encoded_as_the_template_of_the_model_has_it() -> None:
    chat = provider_of()._load().chat
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="é\n")]
    plain = [{"role": message.role, "content": message.text} for message in messages]
    wanted = tiny_tokenizer().apply_chat_template(
        plain, add_generation_prompt=True, return_dict=False
    )
    assert chat.encode(messages) == wanted


async def test_a_model_without_a_template_gets_the_plain_form_and_ends_before_the_next_turn() -> (
    None
):
    provider = LocalProvider.of(tiny_model(), tiny_tokenizer(None))
    chat = provider._load().chat
    messages = [Message(role="system", content="S"), Message(role="user", content=f"U{END}")]
    assert chat.text(chat.encode(messages)) == f"System: S\n\nUser: U{END}\n\nAssistant:"
    assert chat.stop == ("\n\nUser:",)
    assert provider.capabilities.system


async def test_a_template_without_system_messages_is_declared_and_refuses_them() -> None:
    provider = LocalProvider.of(tiny_model(), tiny_tokenizer(NO_SYSTEM + TEMPLATE))
    assert not provider.capabilities.system
    messages = (Message(role="system", content="S"), Message(role="user", content="U"))
    with pytest.raises(RequestRefusedError, match="no system"):
        await answers(provider, ask(messages=messages))


async def test_template_arguments_reach_the_template_and_other_extras_are_refused() -> None:
    template = "{{ 'loud ' if loud }}" + TEMPLATE
    provider = LocalProvider.of(tiny_model(), tiny_tokenizer(template))
    (quiet,) = await answers(provider, ask())
    (loud,) = await answers(provider, ask(extra={"chat_template_kwargs": {"loud": True}}))
    assert loud.usage.input_tokens == quiet.usage.input_tokens + len("loud ")
    with pytest.raises(UnsupportedError, match="min_p"):
        await answers(provider, ask(extra={"min_p": 0.1}))
    with pytest.raises(InvalidInputError, match="chat_template_kwargs"):
        await answers(provider, ask(extra={"chat_template_kwargs": 1}))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"messages": ()}, "messages"),
        ({"n": 0}, "n is 0"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"temperature": -1.0}, "temperature is -1"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"top_p": 0.0}, "top_p is 0"),
        ({"top_k": 0}, "top_k is 0"),
        ({"stop": ("",)}, "stop"),
    ],
)
async def test_a_setting_out_of_range_is_named(settings: dict[str, Any], named: str) -> None:
    model = watched_model()
    with pytest.raises(InvalidInputError, match=named):
        await answers(provider_of(model), ask(**settings))
    assert model.shapes == []


async def test_images_and_schemas_are_refused_by_name() -> None:
    provider = provider_of()
    message = Message(role="user", content=(ImagePart(url="data:image/png;base64,AA"),))
    with pytest.raises(UnsupportedError) as image:
        await answers(provider, ask(messages=(message,)))
    with pytest.raises(UnsupportedError) as schema:
        await answers(provider, ask(json_schema={"type": "object"}))
    assert (image.value.capability, schema.value.capability) == ("images", "json_schema")


@pytest.mark.parametrize(("text", "room"), [("x" * 2000, 8), ("x" * 2000, None), ("x", CONTEXT)])
async def test_a_prompt_over_the_context_is_refused_before_it_runs(
    text: str, room: int | None
) -> None:
    model = watched_model()
    request = ask(text).model_copy(update={"max_tokens": room})
    with pytest.raises(ContextTooLongError, match=rf"{len(text) + 3} tokens.*{CONTEXT}"):
        await answers(provider_of(model), request)
    assert model.shapes == []


async def test_a_long_prompt_is_encoded_without_blocking_the_loop() -> None:
    with pytest.raises(ContextTooLongError, match="50003 tokens"):
        await answers(provider_of(), ask("x" * 50_000))


def test_capabilities_and_tokens_are_those_of_the_model() -> None:
    provider = provider_of()
    able = provider.capabilities
    assert (able.n, able.logprobs, able.seed, able.streaming) == (True, True, True, True)
    assert (able.json_schema, able.context_length, able.prompts) == (False, CONTEXT, "english")
    assert provider.count_tokens("12+34") == 5
    assert LocalProvider().capabilities.prompts == "box"


async def test_a_text_is_scored_by_the_models_own_probabilities() -> None:
    model, provider = tiny_model(), provider_of(tiny_model())
    (answer,) = await answers(provider, ask(seed=1, logprobs=True))
    with anyio.fail_after(30):
        scored = await provider.score(ask().messages, answer.text)
    text = torch.tensor([tiny_tokenizer()(answer.text)["input_ids"]])
    ids = torch.cat([prompt_ids("12+34"), text], dim=1)
    with torch.inference_mode():
        known = model(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    assert scored.text == answer.text
    assert scored.logprobs is not None
    assert [each.logprob for each in scored.logprobs] == pytest.approx(
        known[-text.shape[1] :].tolist(), abs=1e-4
    )
    assert scored.usage == Usage(input_tokens=ids.shape[1], requests=1, cost=0.0)


async def test_texts_are_scored_between_the_batches_of_others() -> None:
    provider, scores = provider_of(), list[Completion]()

    async def score(text: str) -> None:
        scores.append(await provider.score(ask().messages, text))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(provider.complete, ask(n=4))
            for text in ("46", "forty-six"):
                tasks.start_soon(score, text)
    assert sorted(len(each.logprobs or ()) for each in scores) == [2, 9]


async def test_what_cannot_be_scored_is_refused() -> None:
    provider = provider_of()
    with pytest.raises(InvalidInputError, match="empty"):
        await provider.score(ask().messages, "")
    with pytest.raises(ContextTooLongError, match=str(CONTEXT)):
        await provider.score(ask().messages, "x" * CONTEXT)
