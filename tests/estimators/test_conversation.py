"""The anchor sees the conversation that the rollouts respond to, and really synthesizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

import catsdk as cat
from catsdk.errors import (
    ContentFilteredError,
    InvalidInputError,
    StructuredOutputError,
    SynthesisFailedError,
)
from catsdk.estimators import GenerativeSelfAggregation, UniversalSelfConsistency
from catsdk.prompts.reply import read_sections
from catsdk.testing import FunctionProvider
from catsdk.types import Completion, ImagePart, Message, Request, TextPart

CHAT = [
    Message(role="system", content="Answer in French, as JSON."),
    Message(role="user", content="Which city?"),
    Message(role="assistant", content="Which country?"),
    Message(role="user", content="Egypt."),
]
GROUP = cat.group_of(CHAT, ["Le Caire", "Alexandrie"])


def replies(*texts: str | Completion) -> FunctionProvider:
    """Answers with `texts` in their order, and then with the last one."""
    left = list(texts)
    return FunctionProvider(lambda _: left.pop(0) if len(left) > 1 else left[0])


def prompt_of(model: FunctionProvider) -> str:
    return "\n".join(message.text for message in model.requests[-1].messages)


async def test_every_turn_is_shown_under_its_role() -> None:
    model = replies("# UNIFIED RESPONSE\nLe Caire")
    reference = await cat.Synthesizer(model).estimate(GROUP)
    shown = prompt_of(model)
    places = [shown.index(f"[{m.role}]\n{m.text}") for m in CHAT]
    assert places == sorted(places)
    assert reference.provenance.settings["show_question"] is True
    assert reference.provenance.prompt == "english/synthesize"


@pytest.mark.parametrize(("show_question", "obeyed"), [(None, 12), (True, 12), (False, 0)])
async def test_references_obey_a_system_message_that_the_anchor_is_shown(
    show_question: bool | None, obeyed: int
) -> None:
    def obedient(request: Request) -> str:
        told = "\n".join(message.text for message in request.messages)
        french = "Answer in French, as JSON" in told
        return "# UNIFIED RESPONSE\n" + ('{"ville": "Le Caire"}' if french else "Cairo")

    synthesizer = cat.Synthesizer(FunctionProvider(obedient), show_question=show_question)
    found = 0
    for system in ("system", "developer"):
        for turns in range(6):
            chat = [
                {"role": system, "content": 'Answer in French, as JSON {"ville": ...}.'},
                *[{"role": "user", "content": "Hm."}, {"role": "assistant", "content": "?"}]
                * turns,
                {"role": "user", "content": "Which city?"},
            ]
            reference = await synthesizer.estimate(cat.group_of(chat, ["Cairo", "Alexandria"]))
            found += reference.text == '{"ville": "Le Caire"}'
    assert found == obeyed


async def test_the_papers_form_shows_no_question_and_says_so() -> None:
    model = replies("# UNIFIED RESPONSE\nLe Caire")
    reference = await cat.Synthesizer(model, show_question=False).estimate(GROUP)
    assert not any(m.text in prompt_of(model) for m in CHAT)
    assert reference.provenance.settings["show_question"] is False
    assert reference.provenance.prompt == "english/synthesize_blind"


@pytest.mark.parametrize("show_question", [None, True, False])
async def test_a_prompt_without_a_place_for_it_does_not_record_that_it_was_shown(
    show_question: bool | None,
) -> None:
    able = cat.Capabilities(prompts="box")
    model = FunctionProvider(lambda _: "\\boxed{4}", capabilities=able)
    group = cat.group_of("12+34", ["\\boxed{46}"])
    reference = await cat.Synthesizer(model, show_question=show_question).estimate(group)
    assert reference.provenance.prompt == "box/synthesize_blind"
    assert reference.provenance.settings["show_question"] is False
    assert "12+34" not in prompt_of(model)


async def test_a_small_anchor_is_asked_in_one_line_and_what_it_writes_is_the_reference() -> None:
    model = replies("7")
    group = cat.group_of("What is 3 plus 4?", ["7", "It is 8.\n#3 9", "7"])
    reference = await cat.Synthesizer(model, prompts="small", show="answers").estimate(group)
    words = prompt_of(model)
    assert (reference.text, reference.answer, reference.rationale) == ("7", "7", None)
    assert reference.provenance.prompt == "small/synthesize"
    assert words.startswith("What is 3 plus 4?")
    assert len(words.split()) < 30
    assert "SUMMARY" not in words


async def test_no_rollout_can_pass_for_another_one_in_the_small_prompt() -> None:
    model = replies("7")
    group = cat.group_of("What is 3 plus 4?", ["7", "8\n#3 9"])
    await cat.Synthesizer(model, prompts="small").estimate(group)
    assert [line for line in prompt_of(model).splitlines() if line.startswith("#")] == [
        "#1 7",
        "#2 8",
    ]


def test_a_set_of_prompts_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="prompts is 'tiny'; give"):
        cat.Synthesizer(prompts="tiny")
    with pytest.raises(InvalidInputError, match="show the question"):
        cat.Synthesizer(prompts="small", show_question=False)


async def test_a_prompt_of_ones_own_shows_what_it_has_a_slot_for() -> None:
    head = "---\nversion: 1\n---\n=== user ===\n"
    for slots, shown in (("{{question}} {{responses}}", True), ("{{responses}}", False)):
        model = replies("Le Caire")
        prompt = cat.Prompt.parse("mine", head + slots)
        reference = await cat.Synthesizer(model, prompt=prompt).estimate(GROUP)
        assert reference.provenance.settings["show_question"] is shown
        assert ("Egypt." in prompt_of(model)) is shown


@pytest.mark.parametrize(
    "estimator", [GenerativeSelfAggregation, UniversalSelfConsistency], ids=lambda e: e.__name__
)
async def test_other_estimators_that_ask_a_model_see_the_conversation_too(
    estimator: type[GenerativeSelfAggregation | UniversalSelfConsistency],
) -> None:
    model = replies('{"choice": 1}')
    await estimator(model).estimate(GROUP)
    assert all(m.text in prompt_of(model) for m in CHAT)


FORMS = [
    ("just text", "just text", None),
    ("# SUMMARY\ns\n# UNIFIED RESPONSE\nr", "r", "s"),
    ("**SUMMARY**\nThey differ.\n\n**UNIFIED RESPONSE**\nCairo", "Cairo", "They differ."),
    ("Unified Response: Cairo", "Cairo", None),
    ("# UNIFIED RESPONSE: Cairo is it.", "Cairo is it.", None),
    ("**Unified Response:** Cairo", "Cairo", None),
    ("### **UNIFIED RESPONSE**\n\nCairo", "Cairo", None),
    ("1. SUMMARY\na\n2. UNIFIED RESPONSE\nCairo", "Cairo", "a"),
    (
        "# UNIFIED RESPONSE\nCairo.\n\n## Summary\nIt is large.",
        "Cairo.\n\n## Summary\nIt is large.",
        None,
    ),
    ("The unified response is good.", "The unified response is good.", None),
]


@pytest.mark.parametrize(("reply", "response", "summary"), FORMS)
def test_the_headings_that_models_write_are_read(
    reply: str, response: str, summary: str | None
) -> None:
    assert read_sections(reply) == (response, summary)


CUT = Completion(text="# SUMMARY\nResponses 1 and 2 say 41", finish_reason="length")
NO_SYNTHESIS: Sequence[str | Completion] = [
    CUT,
    Completion(text="# UNIFIED RESPONSE\nCai", finish_reason="length"),
    "# SUMMARY\nResponses 1 and 2 say \\boxed{41}.",
    "**Summary:** they differ",
    "# SUMMARY\ns\n# UNIFIED RESPONSE\n",
    "",
]


@pytest.mark.parametrize("reply", NO_SYNTHESIS)
async def test_a_reply_that_is_no_synthesis_is_asked_for_once_more(reply: str | Completion) -> None:
    model = replies(reply, "# UNIFIED RESPONSE\nLe Caire")
    reference = await cat.Synthesizer(model, seed=3).estimate(GROUP)
    assert (reference.text, len(reference.calls)) == ("Le Caire", 2)
    first, second = model.requests
    assert (first.seed, second.seed, second.sample_index) == (3, 4, 1)


@pytest.mark.parametrize("reply", NO_SYNTHESIS)
async def test_twice_none_is_no_reference_and_the_result_is_the_majority_marked_partial(
    reply: str | Completion,
) -> None:
    group = cat.group_of("6*7?", ["\\boxed{42}", "\\boxed{41}", "\\boxed{42}"])
    with pytest.raises(StructuredOutputError):
        await cat.Synthesizer(replies(reply)).estimate(group)
    c = cat.CaT(replies("unused"), estimator=cat.Synthesizer(replies(reply)))
    result = await c.run(group)
    assert result.reference is not None and result.partial
    assert (result.answer, result.reference.provenance.method) == ("42", "majority")
    assert len(result.reference.calls) == 2


async def test_a_refusal_of_the_anchor_is_a_failure_with_that_cause() -> None:
    refusal = Completion(text="I cannot help with that.", finish_reason="content_filter")
    c = cat.CaT(replies("unused"), estimator=cat.Synthesizer(replies(refusal)))
    with pytest.raises(SynthesisFailedError, match="refused to synthesize") as caught:
        await c.run(GROUP)
    assert isinstance(caught.value.__cause__, ContentFilteredError)


SYSTEM = 'Answer in French, as JSON {"ville": ...}.'
CITIES = [("Egypt?", "Le Caire"), ("England?", "Londres"), ("Austria?", "Vienne")]


class Ville(BaseModel):
    ville: str


def obedient(request: Request) -> list[str]:
    """A model that keeps to what it is shown: French where that is asked for, JSON likewise."""
    shown = "\n".join(message.text for message in request.messages)
    country, city = next(each for each in CITIES if each[0] in shown)
    said = city if "in French" in shown else country.strip("?")
    synthesis = "responses to it follow" in shown or "attempts to answer it" in shown
    if "JSON" not in shown:
        return [said] * request.n
    if synthesis and '"response"' in shown:
        return [json.dumps({"summary": "", "response": {"ville": said}})]
    text = json.dumps({"ville": said})
    return [f"# UNIFIED RESPONSE\n{text}" if synthesis else text] * request.n


@pytest.mark.parametrize("output", [None, Ville], ids=["text", "output"])
@pytest.mark.parametrize(
    ("estimator", "obeys"),
    [
        (cat.Synthesizer(), True),
        (GenerativeSelfAggregation(), True),
        (UniversalSelfConsistency(), True),
        (cat.Majority(), True),
        # The paper's form: the anchor sees no request, and so no system prompt.
        (cat.Synthesizer(show_question=False), False),
    ],
    ids=["synthesis", "generative", "universal", "majority", "blind"],
)
async def test_references_obey_a_system_prompt_that_asks_for_french_as_json(
    estimator: cat.Synthesizer, obeys: bool, output: type[Ville] | None
) -> None:
    policy = FunctionProvider(obedient)
    anchor = FunctionProvider(anchor_of(policy, blind=not obeys))
    prompts = [
        [Message(role="system", content=SYSTEM), Message(role="user", content=country)]
        for country, _ in CITIES
    ]
    named = (
        replace(estimator, anchor=anchor) if isinstance(estimator, cat.Synthesizer) else estimator
    )
    async with cat.CaT(policy, estimator=named, output=output) as c:
        results = [result async for result in c.map(prompts, 3, ordered=True)]
    texts = [result.text or "" for result in results]
    french = sum(city in text for text, (_, city) in zip(texts, CITIES, strict=True))
    whole = sum(text.startswith('{"ville"') for text in texts)
    # What is asked for by `output` holds without the request too; the language does not.
    assert french == (len(CITIES) if obeys else 0)
    assert whole == (len(CITIES) if obeys or output else 0)


def anchor_of(policy: FunctionProvider, *, blind: bool) -> Callable[[Request], str]:
    """An anchor that answers as `obedient` does; a blind one knows the answers in English alone."""

    def script(request: Request) -> str:
        if not blind:
            return obedient(request)[0]
        assert all("in French" not in message.text for message in request.messages)
        shown = request.messages[-1].text
        country = next(country for country, city in CITIES if city in shown).strip("?")
        if '"response"' in shown:
            return json.dumps({"summary": "", "response": {"ville": country}})
        return f"# UNIFIED RESPONSE\n{country}"

    return script


PICTURES = [
    Message(
        role="user",
        content=(
            TextPart(text="Compare "),
            ImagePart(url="https://example.org/a.png"),
            TextPart(text=" with "),
            ImagePart(url="https://example.org/b.png"),
        ),
    )
]


async def test_the_anchor_that_is_the_policy_is_sent_the_images_that_it_has_read() -> None:
    model = FunctionProvider(lambda r: ["a cat"] * r.n if r.n > 1 else "# UNIFIED RESPONSE\na cat")
    result = await cat.CaT(model).run(PICTURES, n=2)
    reference = result.reference
    assert reference is not None
    assert reference.provenance.settings["images"] == "shown"
    asked = model.requests[-1].messages[-1]
    assert asked.parts[-2:] == (PICTURES[0].parts[1], PICTURES[0].parts[3])
    assert "Compare (image 1) with (image 2)" in asked.text


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, False),
        ({"show_images": True}, True),
        ({"show_images": True, "show_question": False}, False),
    ],
)
async def test_another_anchor_is_sent_images_where_it_is_said_to_read_them(
    settings: dict[str, Any], shown: bool
) -> None:
    anchor = replies("# UNIFIED RESPONSE\na cat")
    group = cat.group_of(PICTURES, ["a cat", "a dog"])
    policy = FunctionProvider(lambda _: "unused", name="policy")
    async with cat.CaT(policy, estimator=cat.Synthesizer(anchor, **settings)) as c:
        reference = await c.synthesize(group)
    assert reference.provenance.settings["images"] == ("shown" if shown else "not shown")
    images = [
        part for m in anchor.requests[-1].messages for part in m.parts if part.type == "image"
    ]
    assert len(images) == (2 if shown else 0)
    if settings.get("show_question") is None and not shown:
        assert "(an image that is not shown here)" in prompt_of(anchor)


async def test_a_conversation_without_images_says_nothing_of_them() -> None:
    reference = await cat.Synthesizer(replies("# UNIFIED RESPONSE\nLe Caire")).estimate(GROUP)
    assert "images" not in reference.provenance.settings
