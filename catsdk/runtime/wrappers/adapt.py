"""Emulates what a model lacks if possible; otherwise raises, with its name, before sending."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.core.errors import MalformedResponseError, UnsupportedError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Message, Request, TextPart
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Adapt"]


class Adapt(Wrapper):
    """A provider that takes system messages, and refuses what its model cannot do."""

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on in a form that the model takes.

        Raises:
            MalformedResponseError: the model returned no completion.
            UnsupportedError: it asks for log-probabilities, a seed, a JSON schema or a temperature
                and the model takes none; nothing was sent.
        """
        able = self.capabilities
        self._refuse("logprobs", wanted=request.logprobs, able=able.logprobs)
        self._refuse("seed", wanted=request.seed is not None, able=able.seed)
        self._refuse_schema(request, able)
        self._refuse("temperature", wanted=_sets_temperature(request), able=able.temperature)
        completions = await self.pass_on(_without_system(request, able), on_text)
        if not completions:
            raise MalformedResponseError(f"{self.name} returned no completion", model=self.name)
        if on_text is not None and not able.streaming:
            on_text(completions[0].text)
        return completions

    def _refuse_schema(self, request: Request, able: Capabilities) -> None:
        wanted = request.json_schema is not None
        if request.schema_by == "tool":
            self._refuse("tools", wanted=wanted, able=able.tools)
        else:
            self._refuse("json_schema", wanted=wanted, able=able.json_schema)

    def _refuse(self, capability: str, *, wanted: bool, able: bool) -> None:
        if wanted and not able:
            raise UnsupportedError(
                f"{self.name} has no {capability}; leave it out of the request, or use a model"
                f" that has it (capabilities={Capabilities.__name__}({capability}=True) if it"
                " does)",
                capability=capability,
                model=self.name,
            )


def _sets_temperature(request: Request) -> bool:
    return (request.temperature, request.top_p, request.top_k) != (None, None, None)


def _without_system(request: Request, able: Capabilities) -> Request:
    told = [message for message in request.messages if message.role in {"system", "developer"}]
    if able.system or not told:
        return request
    system = "\n\n".join(message.text for message in told)
    chat = [message for message in request.messages if message not in told]
    first = next((at for at, message in enumerate(chat) if message.role == "user"), None)
    if first is None:
        chat.insert(0, Message(role="user", content=system))
    else:
        chat[first] = _after(system, chat[first])
    return request.model_copy(update={"messages": tuple(chat)})


def _after(system: str, message: Message) -> Message:
    content = message.content
    longer = (
        f"{system}\n\n{content}"
        if isinstance(content, str)
        else (TextPart(text=f"{system}\n\n"), *content)
    )
    return message.model_copy(update={"content": longer})
