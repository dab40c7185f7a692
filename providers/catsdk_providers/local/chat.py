"""Between chat messages and token ids: template, hostile text, end of turn, decoding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from secrets import token_hex
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from catsdk.core.errors import RequestRefusedError, UnsupportedError
from catsdk.core.types import ImagePart, Message

__all__ = ["Chat"]

PLAIN_TURN_END = "\n\nUser:"


class Chat:
    """How one model reads a chat and writes text.

    A model without a chat template gets the plain form `Role: text`, one paragraph a message,
    and its answer ends before the next `User:`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, end_ids: Iterable[int]) -> None:
        """`end_ids` are the tokens that end an answer, beside the tokenizer's own."""
        own = tokenizer.eos_token_id
        self.tokenizer = tokenizer
        self.end_ids = frozenset({*end_ids, *([own] if isinstance(own, int) else [])})
        self.has_template = bool(getattr(tokenizer, "chat_template", None))
        self.stop = () if self.has_template else (PLAIN_TURN_END,)
        self._control = _control_tokens(tokenizer)
        self.piece = cache(self._piece)
        self.takes_system = self._takes_system()

    def encode(
        self, messages: Sequence[Message], template: Mapping[str, Any] | None = None
    ) -> list[int]:
        """The prompt of `messages` as token ids; only the template writes control tokens.

        Raises:
            UnsupportedError: a message holds an image.
            RequestRefusedError: the model's template does not take this sequence of messages.
        """
        cut = f"\x00{token_hex(8)}\x00"
        chat = [(message.role, self._disarmed(_text(message), cut)) for message in messages]
        pieces = self._rendered(chat, template or {}).split(cut)
        first = [] if self.has_template else self.ids("", special=True)
        return sum((self.ids(piece) for piece in pieces), first)

    def ids(self, text: str, *, special: bool = False) -> list[int]:
        """The token ids of `text`; `special` adds what the tokenizer puts around a text."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=special, verbose=False)[
            "input_ids"
        ]
        return ids

    def text(self, ids: Sequence[int]) -> str:
        """The text of `ids`, control tokens left out."""
        text = self.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)

    def _piece(self, token: int) -> str:
        return str(self.tokenizer.decode([token], clean_up_tokenization_spaces=False))

    def _disarmed(self, text: str, cut: str) -> str:
        """Cut each control token that `text` spells after its first character.

        The halves are encoded apart from each other, so that they stay ordinary text.
        """
        if self._control is None:
            return text
        return self._control.sub(lambda found: found[0][0] + cut + found[0][1:], text)

    def _rendered(self, chat: Sequence[tuple[str, str]], template: Mapping[str, Any]) -> str:
        if not self.has_template:
            return "".join(f"{role.title()}: {text}\n\n" for role, text in chat) + "Assistant:"
        messages = [{"role": role, "content": text} for role, text in chat]
        try:
            rendered = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, **template
            )
        except TemplateError as error:
            roles = ", ".join(role for role, _ in chat)
            raise RequestRefusedError(
                f"the model's chat template does not take messages of the roles {roles}: {error}"
            ) from error
        return str(rendered)

    def _takes_system(self) -> bool:
        probe = token_hex(8)
        try:
            return probe in self._rendered([("system", probe), ("user", "Hello.")], {})
        except RequestRefusedError:
            return False


def _text(message: Message) -> str:
    parts = message.content if isinstance(message.content, tuple) else ()
    if any(isinstance(part, ImagePart) for part in parts):
        raise UnsupportedError(
            f"a {message.role} message holds an image; local models read text only, so leave the"
            " image out or use a provider that takes images",
            capability="images",
        )
    return message.text


def _control_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    """A pattern of the control tokens of two characters or more, longest first."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    names = {*tokenizer.all_special_tokens, *(str(token) for token in added if token.special)}
    spelt = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, spelt))) if spelt else None
