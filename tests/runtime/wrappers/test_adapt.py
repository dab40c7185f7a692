"""What a model lacks is emulated, or refused by name before anything is sent."""

import pytest

from catsdk.core.errors import MalformedResponseError, UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.core.types import ImagePart, Message, Request, TextPart
from catsdk.runtime.wrappers.adapt import Adapt
from catsdk.testing import FunctionProvider

QUESTION = Message(role="user", content="q")
SYSTEM = Message(role="system", content="Be brief.")
ASK = Request(messages=(QUESTION,))


@pytest.mark.parametrize(
    ("field", "value"), [("logprobs", True), ("seed", 1), ("json_schema", {"type": "object"})]
)
async def test_what_the_model_lacks_is_refused_by_name_and_not_sent(
    field: str, value: object
) -> None:
    model = FunctionProvider(lambda _: "x", capabilities=Capabilities())
    with pytest.raises(UnsupportedError, match=field) as caught:
        await Adapt(model).complete(ASK.model_copy(update={field: value}))
    assert caught.value.capability == field
    assert model.requests == []


async def sent(able: Capabilities, *messages: Message) -> tuple[Message, ...]:
    model = FunctionProvider(lambda _: "x", capabilities=able)
    await Adapt(model).complete(Request(messages=messages))
    return model.requests[0].messages


async def test_a_system_message_stays_where_the_model_takes_one() -> None:
    assert await sent(Capabilities(system=True), SYSTEM, QUESTION) == (SYSTEM, QUESTION)


async def test_a_system_message_goes_before_the_first_question_where_it_does_not() -> None:
    answer = Message(role="assistant", content="a")
    messages = await sent(Capabilities(system=False), SYSTEM, QUESTION, answer, QUESTION)
    assert messages == (Message(role="user", content="Be brief.\n\nq"), answer, QUESTION)


async def test_a_system_message_alone_becomes_the_question() -> None:
    messages = await sent(Capabilities(system=False), SYSTEM)
    assert messages == (Message(role="user", content="Be brief."),)


async def test_an_image_of_the_first_question_is_kept_behind_the_system_text() -> None:
    image = ImagePart(url="data:image/png;base64,AAAA")
    question = Message(role="user", content=(TextPart(text="q"), image))
    (message,) = await sent(Capabilities(system=False), SYSTEM, question)
    assert message.content == (TextPart(text="Be brief.\n\n"), TextPart(text="q"), image)


async def test_a_model_that_cannot_stream_tells_its_text_at_the_end() -> None:
    pieces: list[str] = []

    class Whole:
        capabilities = Capabilities()

        async def complete(self, request: Request, on_text: object = None) -> object:
            return await FunctionProvider(lambda _: "the text").complete(request)

    await Adapt(Whole()).complete(ASK, pieces.append)  # type: ignore[arg-type]
    assert pieces == ["the text"]


async def test_no_answer_at_all_is_malformed() -> None:
    with pytest.raises(MalformedResponseError, match="returned no completion"):
        await Adapt(FunctionProvider(lambda _: [])).complete(ASK)
