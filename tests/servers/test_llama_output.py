"""Outputs on a real llama.cpp server with a real small model, whose grammar holds them to a schema.

It has an environment of its own: `make test-servers`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel, Field

if find_spec("xllamacpp") is None:
    pytest.skip("llama.cpp has its own environment: make test-servers", allow_module_level=True)

import catsdk as cat
from catsdk.errors import NoValidOutputError
from catsdk.events import ResultReady, TextArrived
from catsdk.providers import AnthropicProvider, OpenAIProvider
from tests.servers.llama_server import MODEL

SYSTEM = 'Answer in French, as JSON {"couleur": ..., "certitude": ...}.'
QUESTIONS = ("The colour of the sky?", "The colour of grass?", "The colour of blood?")
SAMPLING = cat.Sampling(max_tokens=64, temperature=0.8)

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Reponse(BaseModel):
    """La couleur, en français."""

    couleur: Literal["rouge", "bleu", "vert", "jaune"]
    certitude: int = Field(ge=1, le=3, description="de 1 à 3")


def chat(question: str) -> list[dict[str, object]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]


def openai(url: str) -> OpenAIProvider:
    return OpenAIProvider(MODEL, base_url=f"{url}/v1", api_key="none")


@pytest.mark.parametrize(
    "estimator",
    [cat.Majority(), cat.Synthesizer(sampling=cat.Sampling(max_tokens=400, temperature=0.3))],
    ids=lambda estimator: type(estimator).__name__,
)
async def test_every_reference_obeys_a_system_prompt_that_asks_for_french_as_json(
    url: str, estimator: Any
) -> None:
    async with openai(url) as model, cat.CaT(model, estimator=estimator, output=Reponse) as c:
        with anyio.fail_after(500):
            results = [r async for r in c.map(map(chat, QUESTIONS), 4, sampling=SAMPLING)]
    obedient = sum(isinstance(result.output, Reponse) for result in results)
    assert obedient == len(QUESTIONS)
    for result in results:
        assert result.reference is not None and result.group is not None
        assert result.group.prompt[0].text == SYSTEM
        # The grammar holds every rollout that was not cut to the form.
        whole = [r for r in result.group.rollouts if r.completion.finish_reason == "stop"]
        assert whole
        assert all(rollout.answer is not None for rollout in whole)
        assert result.reference.agreement is not None


async def test_a_schema_that_the_server_cannot_make_a_grammar_of_goes_by_another_route(
    url: str,
) -> None:
    class Long(BaseModel):
        couleur: str
        mots: list[str] = Field(min_length=3_000)

    async with openai(url) as model, cat.CaT(model, estimator=cat.Majority()) as c:
        with anyio.fail_after(300):
            group = await c.sample(chat(QUESTIONS[0]), 2, output=Long, sampling=SAMPLING)
            again = await c.sample(chat(QUESTIONS[1]), 2, output=Long, sampling=SAMPLING)
    refused = [call for call in group.calls if call.failure is not None]
    assert refused and all("grammar" in str(call.failure) for call in refused)
    assert (len(group.rollouts), group.failures) == (2, {})
    # It is known now, and not tried again.
    assert [call.failure for call in again.calls] == [None]


async def test_a_wire_that_ignores_schemas_gives_a_valid_output_or_a_failure_with_the_group(
    url: str,
) -> None:
    async with AnthropicProvider(
        MODEL, base_url=url, api_key="none", api_version="2023-06-01"
    ) as model:
        c = cat.CaT(model, estimator=cat.Majority(), output=Reponse)
        with anyio.fail_after(300):
            try:
                result = await c.run(chat(QUESTIONS[0]), 3, sampling=SAMPLING)
            except NoValidOutputError as error:
                assert len(error.group.rollouts) == 3
                assert error.usage.output_tokens > 0
            else:
                assert isinstance(result.output, Reponse)


async def test_the_pieces_of_a_stream_are_the_json_of_the_synthesis(url: str) -> None:
    synthesizer = cat.Synthesizer(sampling=cat.Sampling(max_tokens=400, temperature=0.3))
    pieces: list[str] = []
    outputs: list[object] = []
    async with openai(url) as model, cat.CaT(model, estimator=synthesizer, output=Reponse) as c:
        with anyio.fail_after(300):
            async for event in c.stream(chat(QUESTIONS[0]), 2, sampling=SAMPLING):
                pieces += [event.text] if isinstance(event, TextArrived) else []
                outputs += [event.result.output] if isinstance(event, ResultReady) else []
    assert "".join(pieces).lstrip().startswith("{")
    assert len(pieces) > 5
    assert isinstance(outputs[0], Reponse)
