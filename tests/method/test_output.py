"""A reference that must be an object of a class: asked for, checked, compared, kept."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict

import catsdk as cat
from catsdk.errors import (
    BudgetExceededError,
    NoEvidenceError,
    NoValidOutputError,
    StructuredOutputError,
    SynthesisFailedError,
)
from catsdk.estimators import (
    Adaptive,
    BestOfN,
    GenerativeSelfAggregation,
    Grading,
    MinPerplexity,
    MixtureOfAgents,
    SelfBestOfN,
    UniversalSelfConsistency,
    WeightedMajority,
)
from catsdk.estimators.controls.random_choice import RandomChoice
from catsdk.events import ReferenceReady, TextArrived
from catsdk.runtime import Output
from catsdk.sync import map_sync, run_sync
from catsdk.types import Completion, Request, Result, TokenLogprob
from tests.method.outputs import CAIRO, CUT, GIZA, PROSE, SCHEMA, WHOLE, City, Reply, model


async def test_a_synthesis_is_an_object_of_the_class() -> None:
    reference = await cat.synthesize("Which city?", 2, model([CAIRO, GIZA]), output=City)
    assert reference.output == City(name="Cairo", people=10)
    assert reference.data == json.loads(reference.text) == {"name": "Cairo", "people": 10}
    assert (reference.rationale, reference.provenance.method) == ("They agree.", "synthesis")
    assert reference.provenance.prompt == "english/synthesize_output"


async def test_a_schema_gives_the_json_object() -> None:
    reference = await cat.synthesize("Which city?", 2, model([CAIRO]), output=SCHEMA)
    assert reference.output is reference.data
    assert reference.output == {"name": "Cairo", "people": 10}


@dataclass
class AsDataclass:
    name: str
    people: float | None = None


class AsDict(TypedDict):
    name: str
    people: float | None


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (AsDataclass, AsDataclass("Cairo", 10.0)),
        (AsDict, {"name": "Cairo", "people": 10.0}),
        (Output(City, route="json"), City(name="Cairo", people=10)),
    ],
)
async def test_other_forms_of_a_class_are_taken(form: Any, wanted: object) -> None:
    reference = await cat.synthesize("Which city?", 2, model([CAIRO]), output=form)
    assert reference.output == wanted


# --- what is asked for --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("able", "ways"),
    [
        ({"json_schema": True, "tools": True}, "native"),
        ({"tools": True}, "tool"),
        ({}, None),
    ],
)
async def test_rollouts_and_synthesis_are_asked_for_the_schema_as_the_service_can(
    able: dict[str, Any], ways: str | None
) -> None:
    policy = model([CAIRO], **able)
    await cat.synthesize("Which city?", 3, policy, output=City)
    sampled, synthesis = policy.requests
    for request in (sampled, synthesis):
        assert (request.json_schema and request.schema_by) == ways
    if ways is not None:
        assert sampled.json_schema == Output(City).sent
        properties: Any = (synthesis.json_schema or {})["properties"]
        assert list(properties) == ["summary", "response"]
        assert properties["response"]["required"] == ["name", "people"]
    # The words are the same by every route.
    assert json.dumps(Output(City).sent) in sampled.messages[-1].text
    assert json.dumps(Output(City).sent) in synthesis.messages[-1].text


async def test_the_group_keeps_the_words_that_were_sent_and_a_prompt_is_asked_once() -> None:
    c = cat.CaT(model([CAIRO]), estimator=cat.Majority(), output=City)
    group = await c.sample("Which city?", 2)
    assert Output(City).words in group.question
    again = await c.sample(group.prompt, 2)
    assert again.prompt == group.prompt


async def test_a_sampler_that_does_not_ask_leaves_the_prompt_alone_and_still_sends_the_schema() -> (
    None
):
    policy = model([CAIRO], json_schema=True)
    c = cat.CaT(cat.Sampler(policy, ask=False), estimator=cat.Majority(), output=City)
    result = await c.run("Which city?", 2)
    assert policy.requests[0].messages[-1].text == "Which city?"
    assert policy.requests[0].json_schema is not None
    assert result.output == City(name="Cairo", people=10)


async def test_the_papers_form_and_a_prompt_of_ones_own_get_the_schema_too() -> None:
    own = cat.Prompt.parse(
        "own", "---\nversion: 1\n---\n=== user ===\nSeveral responses: {{responses}}"
    )
    slot = cat.Prompt.parse(
        "slot", "---\nversion: 1\n---\n=== user ===\nSeveral responses: {{responses}} as {{schema}}"
    )
    for synthesizer in (
        cat.Synthesizer(show_question=False),
        cat.Synthesizer(prompt=own),
        cat.Synthesizer(prompt=slot),
    ):
        # A prompt of one's own is answered by the object alone.
        policy = model([CAIRO], [GIZA])
        result = await cat.CaT(policy, estimator=synthesizer, output=City).run("Which city?", 2)
        assert result.output == City(name="Giza", people=4)
        shown = policy.requests[-1].messages[-1].text
        assert json.dumps(Output(City).sent) in shown
        assert "Which city?" not in shown


# --- what does not fit --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "named"),
    [
        ("certainly!", "not one JSON object"),
        ('{"name": "Cairo", "people": "many"}', "people: Input should be a valid number"),
        ('{"name": "Cairo", "name": "Giza"}', "twice"),
        ('{"name": "Cairo", "people": NaN}', "NaN"),
        ('{"name": "\\ud800", "people": 1}', "surrogates"),
        (CUT, "cut at its token limit"),
    ],
)
async def test_a_reply_that_does_not_fit_goes_back_once_with_what_was_wrong(
    first: Reply, named: str
) -> None:
    policy = model([CAIRO, GIZA], [first, WHOLE])
    reference = await cat.synthesize("Which city?", 2, policy, output=City)
    assert reference.output == City(name="Cairo", people=10)
    assert (reference.partial, len(reference.calls)) == (False, 2)
    assert named in policy.requests[-1].messages[-1].text


async def test_a_synthesis_that_never_fits_leaves_the_majority_of_those_that_do() -> None:
    policy = model([PROSE, GIZA, CAIRO, CAIRO, CUT], ["no"])
    reference = await cat.synthesize("Which city?", 5, policy, output=City)
    assert reference.output == City(name="Cairo", people=10)
    assert reference.partial
    assert "JSON" in str(reference.provenance.settings["because"])
    assert len(reference.calls) == 2


async def test_where_nothing_fits_the_error_carries_the_group_and_what_was_paid_for() -> None:
    policy = model([PROSE, CUT], ["no"])
    with pytest.raises(NoValidOutputError, match="none of 2 rollouts") as failed:
        await cat.synthesize("Which city?", 2, policy, output=City)
    error = failed.value
    assert isinstance(error, SynthesisFailedError)
    assert isinstance(error.__cause__, StructuredOutputError)
    assert [rollout.text for rollout in error.group.rollouts] == [PROSE, CAIRO]
    assert [rollout.answer for rollout in error.group.rollouts] == [None, None]
    assert error.result is not None and error.result.usage.requests == 3
    assert error.result.failure is not None
    assert error.result.failure.kind == "NoValidOutputError"


async def test_a_budget_that_ends_before_anything_fits_is_said_as_the_cause() -> None:
    with pytest.raises(NoValidOutputError) as failed:
        await cat.synthesize(
            "Which city?", 2, model([PROSE]), output=City, budget=cat.Budget(requests=1)
        )
    assert isinstance(failed.value.__cause__, BudgetExceededError)


async def test_in_a_map_what_does_not_fit_is_a_failure_with_the_group() -> None:
    async with cat.CaT(model([PROSE]), estimator=cat.Majority(), output=City) as c:
        with anyio.fail_after(5):
            (result,) = [each async for each in c.map(["Which city?"], 2)]
    assert result.failure is not None and result.failure.kind == "NoValidOutputError"
    assert result.group is not None and len(result.group.rollouts) == 2
    assert (result.output, result.rewards) == (None, ())


async def test_a_validator_that_a_text_takes_by_surprise_is_a_reply_that_does_not_fit() -> None:
    class Careless(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def known(cls, name: str) -> str:
            return {"Cairo": "Le Caire"}[name]

    policy = model(['{"name": "Cairo"}', '{"name": "Giza"}'], ['{"name": "Luxor"}'])
    result = await cat.CaT(policy, output=Careless).run("Which city?", 2)
    assert result.output is not None and result.output.name == "Le Caire"
    assert result.partial


# --- estimators that select ---------------------------------------------------------------

RATED = {PROSE: "10", GIZA: "7", CAIRO: "3"}


def judge(request: Request) -> str:
    text = request.messages[-1].text
    best = next(grade for rollout, grade in RATED.items() if rollout in text)
    return json.dumps({"reason": "r", "grade": int(best), "choice": 1})


def scored(text: str, logprob: float) -> Completion:
    return Completion(text=text, logprobs=(TokenLogprob(token="t", logprob=logprob),))


@pytest.mark.parametrize(
    "estimator",
    [
        cat.Majority(),
        BestOfN(Grading()),
        WeightedMajority(Grading()),
        UniversalSelfConsistency(),
        SelfBestOfN(),
        MinPerplexity(),
        RandomChoice(),
        cat.Cascade(cat.Majority(), BestOfN(Grading()), threshold=1.0),
        MixtureOfAgents([], final=cat.Majority()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
async def test_an_estimator_that_selects_takes_only_a_rollout_that_fits(estimator: Any) -> None:
    rollouts = [scored(PROSE, -0.1), scored(GIZA, -0.5), scored(PROSE, -0.1)]
    policy = model(rollouts, judge)
    async with cat.CaT(policy, estimator=estimator, output=City) as c:
        result = await c.run("Which city?", 3)
        assert result.output == City(name="Giza", people=4)
        assert result.reference is not None and not result.reference.partial
        assert len(result.reference.group.rollouts) == 3
        shown = [request.messages[-1].text for request in policy.requests[1:]]
        assert not any(PROSE in text for text in shown)
    bad = model([scored(PROSE, -0.1)], judge)
    with pytest.raises(NoValidOutputError) as failed:
        await cat.CaT(bad, estimator=estimator, output=City).run("Which city?", 3)
    assert len(failed.value.group.rollouts) == 3
    assert len(bad.requests) == 1


async def test_a_rollout_that_an_estimator_of_ones_own_takes_is_checked() -> None:
    class Longest:
        async def estimate(self, group: cat.Group, ctx: cat.Context) -> cat.Reference:
            return ctx.reference(max(group.rollouts, key=lambda rollout: len(rollout.text)))

    fits = await cat.CaT(model([CAIRO, GIZA]), estimator=Longest(), output=City).run(
        "Which city?", 2
    )
    assert fits.output == City(name="Cairo", people=10)
    result = await cat.CaT(model([PROSE + PROSE, GIZA]), estimator=Longest(), output=City).run(
        "Which city?", 2
    )
    assert (result.output, result.partial) == (City(name="Giza", people=4), True)


async def test_where_no_rollout_fits_a_cascade_asks_the_hard_one() -> None:
    estimator = cat.Cascade(Adaptive(cat.Majority()), cat.Synthesizer())
    result = await cat.CaT(model([PROSE]), estimator=estimator, output=City).run("Which city?", 3)
    assert result.output == City(name="Cairo", people=10)
    assert result.reference is not None and not result.reference.partial
    assert result.reference.provenance.settings["cascade"] == "hard"


async def test_a_new_answer_of_a_model_is_asked_for_in_the_form_too() -> None:
    policy = model([PROSE], ["no", GIZA])
    c = cat.CaT(policy, estimator=GenerativeSelfAggregation(), output=City)
    result = await c.run("Which city?", 2)
    assert result.output == City(name="Giza", people=4)
    assert len(policy.requests) == 3


async def test_a_majority_that_abstains_gives_no_output() -> None:
    estimator = cat.Majority(tie="abstain")
    with pytest.raises(SynthesisFailedError) as failed:
        await cat.CaT(model([CAIRO, GIZA]), estimator=estimator, output=City).run("Which city?", 2)
    assert isinstance(failed.value.__cause__, NoEvidenceError)
    assert len(failed.value.group.rollouts) == 2


# --- every door ---------------------------------------------------------------------------


async def test_each_door_takes_an_output_for_one_call() -> None:
    async with cat.CaT(model([CAIRO]), estimator=cat.Majority()) as c:
        assert (await c.run("Which city?", 2, output=City)).output == City(name="Cairo", people=10)
        assert (await c.synthesize("Which city?", 2, output=SCHEMA)).output == json.loads(CAIRO)
        group = await c.sample("Which city?", 2, output=City)
        assert [rollout.answer_rule for rollout in group.rollouts] == ["output"] * 2
        async for result in c.map(["Which city?", "Which city? Again"], 2, output=City):
            assert isinstance(result.output, City)
        async for event in c.stream("Which city?", 2, output=City):
            if isinstance(event, ReferenceReady):
                assert event.reference.output == City(name="Cairo", people=10)
        # The CaT itself asks for none.
        assert (await c.run("Which city?", 2)).output is None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.allow_blocking  # a loop of its own, in a thread
async def test_the_synchronous_doors_take_it_too() -> None:
    c = cat.CaT(model([CAIRO]), estimator=cat.Majority(), output=City)
    assert run_sync(c, "Which city?", 2).output == City(name="Cairo", people=10)
    assert [each.output for each in map_sync(c, ["Which city?"], 2, output=SCHEMA)] == [
        json.loads(CAIRO)
    ]
    reference = cat.synthesize_sync("Which city?", 2, model([CAIRO]), output=City)
    assert isinstance(reference.output, City)


async def test_the_pieces_of_a_stream_are_the_first_reply_and_the_reference_is_one_that_fits() -> (
    None
):
    policy = model([CAIRO], ['{"name": 1}', WHOLE], streaming=True)
    async with cat.CaT(policy, output=City) as c:
        events = [event async for event in c.stream("Which city?", 2)]
    assert [event.text for event in events if isinstance(event, TextArrived)] == ['{"name": 1}']
    (ready,) = [event for event in events if isinstance(event, ReferenceReady)]
    assert ready.reference.output == City(name="Cairo", people=10)


async def test_a_result_goes_to_json_and_back_with_its_output() -> None:
    result = await cat.CaT(model([CAIRO]), estimator=cat.Majority(), output=City).run(
        "Which city?", 2
    )
    back = Result.model_validate_json(result.model_dump_json())
    assert back == result
    assert back.output == json.loads(CAIRO)
    assert City.model_validate(back.output) == result.output
    copied = pickle.loads(pickle.dumps(result))
    assert copied == result and copied.output == result.output
