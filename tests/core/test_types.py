"""The nouns are frozen and survive JSON."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from catsdk.core import types
from catsdk.core.errors import RateLimitedError
from catsdk.core.types import (
    AudioPart,
    Call,
    Completion,
    Criterion,
    Failure,
    FilePart,
    Group,
    ImagePart,
    Message,
    Provenance,
    Reference,
    RefusalPart,
    Request,
    Result,
    Rollout,
    Rubric,
    Score,
    TextPart,
    ThinkingPart,
    TokenLogprob,
    ToolCall,
    Usage,
    Verdict,
)

USAGE = Usage(input_tokens=3, output_tokens=5, cached_tokens=1, requests=1, cost=0.25)
FAILURE = Failure(kind="RateLimitedError", message="slow down", model="m", status=429)
CALL = Call(stage="sample", model="m", usage=USAGE, latency=0.5, failure=FAILURE)
PROMPT = (Message(role="user", content=(TextPart(text="q"), ImagePart(url="data:,"))),)
TOOLS = (
    Message(role="developer", content="d", name="lead"),
    Message(
        role="user",
        content=(
            AudioPart(data="AA==", format="wav"),
            FilePart(url="data:application/pdf;base64,AA==", name="a.pdf"),
            ImagePart(url="data:,", detail="low"),
        ),
    ),
    Message(
        role="assistant",
        content=(ThinkingPart(text="t", signature="s"), RefusalPart(text="no")),
        tool_calls=(ToolCall(id="c", name="f", arguments='{"x": 1}'),),
    ),
    Message(role="tool", content="4", tool_call_id="c", is_error=True),
)
COMPLETION = Completion(
    text="\\boxed{4} \U0001f408",
    reasoning="hm",
    finish_reason="length",
    logprobs=(TokenLogprob(token="4", logprob=-0.5),),
    usage=USAGE,
    model="m",
    request_id="r",
)
ROLLOUT = Rollout(index=2, completion=COMPLETION, answer="4")
GROUP = Group(
    prompt=PROMPT, rollouts=(ROLLOUT,), failures={1: FAILURE}, calls=(CALL,), partial=True
)
PROVENANCE = Provenance(method="synthesis", model="m", prompt="p", settings={"rollouts": [2]})
VERDICT = Verdict(criterion_id="c1", met=None, failure=FAILURE, calls=(CALL,))
VOTED = Verdict(criterion_id="c1", met=True, grade=0.5, quoted=True, votes=(VERDICT,), shared=True)
VALUES = [
    *PROMPT,
    *TOOLS,
    USAGE,
    FAILURE,
    CALL,
    COMPLETION,
    ROLLOUT,
    GROUP,
    PROVENANCE,
    VERDICT,
    Reference(text="t", answer="4", group=GROUP, agreement=1.0, provenance=PROVENANCE),
    Rubric(criteria=(Criterion(id="c1", text="shows 4"),), provenance=PROVENANCE, calls=(CALL,)),
    Score(index=2, value=None, reasons=("why",), verdicts=(VERDICT,), failure=FAILURE),
    Score(
        index=2,
        value=0.5,
        coverage=1.0,
        parts={"a": Score(index=2, value=0.5, verdicts=(VOTED,), calls=(CALL,))},
    ),
    Result(
        index=3,
        group=GROUP,
        reference=Reference(text="t", group=GROUP, provenance=PROVENANCE),
        scores=(Score(index=2, value=1.0),),
        calls=(CALL,),
        partial=True,
    ),
    Request(messages=PROMPT, n=2, seed=1, json_schema={"type": "object"}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_json(value: BaseModel) -> None:
    assert type(value).model_validate_json(value.model_dump_json()) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_cannot_be_changed(value: BaseModel) -> None:
    field = next(iter(type(value).model_fields))
    with pytest.raises(ValidationError):
        setattr(value, field, None)


def test_every_public_type_is_tested_here() -> None:
    tested = {type(value).__name__ for value in VALUES}
    parts = {"TokenLogprob", "Criterion", "FinishReason", "Kind", "ToolCall"}
    parts |= {name for name in types.__all__ if name.endswith("Part")}
    assert set(types.__all__) == tested | parts


def test_usage_adds_up_and_an_unknown_cost_stays_unknown() -> None:
    total = Usage.total([USAGE, USAGE])
    assert (total.tokens, total.requests, total.cost) == (16, 2, 0.5)
    assert (USAGE + Usage(requests=1, cost=None)).cost is None
    assert Usage.total([]) == Usage()


def test_a_failure_keeps_what_its_error_knows() -> None:
    error = RateLimitedError("slow down", model="m", status=429, request_id="r", retry_after=2.0)
    failure = Failure.of(error)
    assert failure == Failure(
        kind="RateLimitedError", message="slow down", model="m", status=429, request_id="r"
    )
    assert str(failure) == "RateLimitedError: slow down"


def test_the_question_of_a_chat_is_its_last_user_message() -> None:
    chat = (
        Message(role="user", content="first"),
        Message(role="assistant", content="answer"),
        Message(role="user", content="second"),
    )
    assert Group(prompt=chat, rollouts=()).question == "second"


def test_a_plain_message_has_the_text_forms_that_seeds_and_stores_were_made_of() -> None:
    message = Message(role="user", content="q")
    assert repr(message) == "Message(role='user', content='q')"
    assert message.model_dump_json() == '{"role":"user","content":"q"}'
    assert repr(ImagePart(url="u")) == "ImagePart(type='image', url='u')"
    assert ImagePart(url="u").model_dump() == {"type": "image", "url": "u"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"role": "user", "tool_calls": (ToolCall(id="c", name="f"),)}, "only an assistant calls"),
        ({"role": "tool"}, "no tool_call_id"),
        ({"role": "user", "tool_call_id": "c"}, "answers no call"),
        ({"role": "robot"}, "role"),
    ],
)
def test_a_message_fits_its_role(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Message.model_validate({"content": "x", **fields})


@pytest.mark.parametrize("written", ['{"city": "Par', "[1]", "7"])
def test_arguments_that_are_no_object_are_kept_as_they_were_written(written: str) -> None:
    assert ToolCall(id="c", name="f", arguments=written).given == {"INVALID_JSON": written}
    assert ToolCall(id="c", name="f", arguments="").given == {}


def test_a_conversation_shows_what_is_no_text_by_mentioning_it() -> None:
    shown = Group(prompt=TOOLS, rollouts=()).conversation
    assert "[developer lead]\nd" in shown and '(calls f with {"x": 1})' in shown
    assert "the file a.pdf, which is not shown" in shown and "an image that is not shown" in shown
