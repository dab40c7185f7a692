"""One request through the real instructor, over any provider: its words, its check of the reply."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import islice
from typing import Any

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from catsdk.core.errors import CatError
from catsdk.core.json_schema import misfits
from catsdk.core.messages import TextPart
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Message, Request

__all__ = ["ask_by_instructor"]

# What instructor puts its words around. The chat itself, with its images, tool calls and thinking,
# never goes through its hands.
_STAND_IN = [{"role": "system", "content": ""}, {"role": "assistant", "content": ""}]


async def ask_by_instructor(
    provider: Provider, request: Request, schema: Mapping[str, JsonValue]
) -> tuple[Completion, str | None]:
    """Send `request` once, with the words by which instructor asks for JSON of `schema`.

    Gives the model's own completion, and what instructor found wrong with it, `None` if it fits.
    Who asks reads the text again: instructor also takes an object out of the middle of prose.
    Asking again after an error is left to the caller too, so that every attempt is counted in one
    place.

    Raises:
        ProviderError: the provider failed.
    """
    sent: list[Completion] = []

    async def create(*, messages: Sequence[Mapping[str, Any]], **_: Any) -> Any:
        schema, wish = messages[0]["content"].strip(), messages[-1]["content"]
        told = _with_words(request.messages, schema, wish)
        sent.append((await provider.complete(request.model_copy(update={"messages": told})))[0])
        return _chat_completion(sent[-1])

    # In a thread: the import takes seconds.
    instructor = await to_thread.run_sync(_instructor)
    asking = instructor.patch(create=create, mode=instructor.Mode.MD_JSON)
    try:
        await asking(
            response_model=_reply_model(json.dumps(dict(schema))),
            messages=_STAND_IN,
            max_retries=0,
        )
    except CatError:
        raise
    except Exception as error:
        if isinstance(error.__cause__, CatError):
            raise error.__cause__ from None
        if not sent:
            raise
        return sent[-1], "instructor says: " + " ".join(str(error).split())[:500]
    return sent[-1], None


def _instructor() -> Any:
    return import_module("instructor")


def _with_words(messages: tuple[Message, ...], schema: str, wish: str) -> tuple[Message, ...]:
    """The chat with instructor's words: the schema in the system message, its wish at the end."""
    if messages[0].role not in {"system", "developer"}:
        messages = (Message(role="system", content=""), *messages)
    if messages[-1].role != "user":
        messages = (*messages, Message(role="user", content=""))
    first, *middle, last = messages
    return (_continued(first, schema), *middle, _continued(last, wish))


def _continued(message: Message, words: str) -> Message:
    content = message.content
    if isinstance(content, str):
        return message.model_copy(update={"content": f"{content}\n\n{words}" if content else words})
    return message.model_copy(update={"content": (*content, TextPart(text=words))})


def _chat_completion(completion: Completion) -> Any:
    """The completion as the OpenAI SDK's type, which instructor reads."""
    from openai.types.chat import ChatCompletion

    stopped = completion.finish_reason
    choice = {
        "index": 0,
        "finish_reason": stopped if stopped in {"length", "content_filter"} else "stop",
        "message": {"role": "assistant", "content": completion.text},
    }
    return ChatCompletion.model_validate(
        {
            "id": completion.request_id or "",
            "object": "chat.completion",
            "created": 0,
            "model": completion.model,
            "choices": [choice],
        }
    )


@lru_cache(maxsize=64)
def _reply_model(schema: str) -> type[BaseModel]:
    """A pydantic model that instructor tells the schema of, and that checks a reply by it."""
    form: dict[str, JsonValue] = json.loads(schema)

    class Reply(BaseModel):
        """The reply."""

        model_config = ConfigDict(extra="allow")

        @model_validator(mode="before")
        @classmethod
        def fit(cls, data: Any) -> Any:
            wrong = list(islice(misfits(data, form), 5))
            if wrong:
                raise ValueError("; ".join(wrong))
            return data

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return form

    return Reply
