"""The anchor's criteria become a rubric; a reply that cannot be read is asked for once more."""

import json

import pytest

from catsdk.core.errors import StructuredOutputError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Group, Message, Provenance, Reference, Request
from catsdk.rubrics.proposer import RubricProposer
from catsdk.testing import FunctionProvider

GROUP = Group(prompt=(Message(role="user", content="the question"),), rollouts=())
REFERENCE = Reference(text="the reference", group=GROUP, provenance=Provenance(method="m"))
FIVE = ["a", "b", "c", "d", "e"]


async def test_criteria_are_numbered_and_their_origin_is_recorded() -> None:
    anchor = FunctionProvider(lambda _: json.dumps({"criteria": FIVE}), name="anchor")
    rubric = await RubricProposer(anchor).propose(REFERENCE)
    assert [(c.id, c.text) for c in rubric.criteria] == [
        (f"r{at}", text) for at, text in enumerate(FIVE, 1)
    ]
    assert (rubric.provenance.model, rubric.provenance.prompt) == ("anchor", "english/propose")
    assert rubric.usage.requests == 1


async def test_the_anchor_reads_the_reference_and_not_the_question() -> None:
    anchor = FunctionProvider(lambda _: json.dumps({"criteria": FIVE}))
    await RubricProposer(anchor).propose(REFERENCE)
    text = "".join(message.text for message in anchor.requests[0].messages)
    assert "the reference" in text
    assert "the question" not in text


async def test_too_few_criteria_are_asked_for_again_with_the_error_and_both_calls_count() -> None:
    def script(request: Request) -> str:
        enough = len(request.messages) > 2
        return json.dumps({"criteria": FIVE if enough else FIVE[:3]})

    anchor = FunctionProvider(script)
    rubric = await RubricProposer(anchor).propose(REFERENCE)
    assert (len(rubric.criteria), rubric.usage.requests) == (5, 2)
    assert "3 criteria where at least 5 are needed" in anchor.requests[1].messages[-1].text


async def test_after_a_second_unreadable_reply_there_is_no_rubric() -> None:
    anchor = FunctionProvider(lambda _: "I would rather not.")
    with pytest.raises(StructuredOutputError, match="0 criteria"):
        await RubricProposer(anchor).propose(REFERENCE)
    assert len(anchor.requests) == 2


@pytest.mark.parametrize("able", [True, False])
async def test_a_schema_is_sent_where_the_model_takes_one(able: bool) -> None:
    anchor = FunctionProvider(
        lambda _: json.dumps({"criteria": FIVE}), capabilities=Capabilities(json_schema=able)
    )
    await RubricProposer(anchor).propose(REFERENCE)
    assert (anchor.requests[0].json_schema is not None) == able


async def test_from_the_question_alone_the_anchor_reads_the_whole_conversation() -> None:
    anchor = FunctionProvider(lambda _: json.dumps({"criteria": FIVE}))
    prompt = (
        Message(role="system", content="Answer in French."),
        Message(role="user", content="Which city?"),
        Message(role="assistant", content="In which country?"),
        Message(role="user", content="Egypt."),
    )
    reference = REFERENCE.model_copy(update={"group": Group(prompt=prompt, rollouts=())})
    await RubricProposer(anchor, source="question").propose(reference)
    text = "".join(message.text for message in anchor.requests[0].messages)
    for turn in prompt:
        assert turn.text in text
    assert "the reference" not in text
