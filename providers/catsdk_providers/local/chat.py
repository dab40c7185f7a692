"""Between chat messages and token ids: template, hostile text, end of turn, decoding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from secrets import token_hex
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from catsdk.core.errors import RequestRefusedError
from catsdk.core.messages import Message
from catsdk_providers.local.template_messages import PROBE, Turn, changed, in_words, turns_of

__all__ = ["Chat"]

PLAIN_TURN_END = "\n\nUser:"


class Chat:
    """How one model reads a chat and writes text.

    A model without a chat template gets the plain form `Role: text`, one paragraph a message,
    and its answer ends before the next `User:`. Where the template does not know tools, calls and
    results are said in words; where it does not know `developer`, that is `system`.
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
        # A template that supports the role mentions it; many would print any role.
        self.takes_developer = "developer" in str(getattr(tokenizer, "chat_template", None))
        self.takes_tools = self.has_template and self._knows_tools()

    def encode(
        self, messages: Sequence[Message], template: Mapping[str, Any] | None = None
    ) -> list[int]:
        """The prompt of `messages` as token ids; only the template writes control tokens.

        Raises:
            UnsupportedError: a message holds an image, a recording or a file.
            RequestRefusedError: the model's template does not take this sequence of messages.
        """
        # Letters only: arguments of tools are written as JSON, where other signs change.
        cut = f"cut{token_hex(16)}cut"
        chat = [changed(turn, lambda text: self._cut(text, cut)) for turn in self._spoken(messages)]
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

    def _cut(self, text: str, cut: str) -> str:
        """Cut each control token that `text` spells after its first character.

        The halves are encoded apart from each other, so that they stay ordinary text.
        """
        if self._control is None:
            return text
        return self._control.sub(lambda found: found[0][0] + cut + found[0][1:], text)

    def _spoken(self, messages: Sequence[Message]) -> list[Turn]:
        """The messages in terms that the template supports."""
        if not self.takes_tools and any(m.tool_calls or m.role == "tool" for m in messages):
            messages = in_words(messages)
        turns = turns_of(messages)
        for turn in turns:
            if turn["role"] == "developer" and not self.takes_developer:
                turn["role"] = "system"
        return turns

    def _rendered(self, chat: Sequence[Turn], template: Mapping[str, Any]) -> str:
        if not self.has_template:
            said = (f"{turn['role'].title()}: {turn['content']}\n\n" for turn in chat)
            return "".join(said) + "Assistant:"
        try:
            rendered = self.tokenizer.apply_chat_template(
                list(chat), tokenize=False, add_generation_prompt=True, **template
            )
        except TemplateError as error:
            roles = ", ".join(turn["role"] for turn in chat)
            raise RequestRefusedError(
                f"the model's chat template does not take messages of the roles {roles}: {error}"
            ) from error
        return str(rendered)

    def _knows_tools(self) -> bool:
        """Whether the template can show tool calls and their results."""
        try:
            rendered = self._rendered(turns_of(PROBE), {})
        except (RequestRefusedError, TypeError):
            return False
        return all(word in rendered for word in ("probedname", "probedkey", "probedresult"))

    def _takes_system(self) -> bool:
        probe = token_hex(8)
        try:
            return probe in self._rendered(
                [{"role": "system", "content": probe}, {"role": "user", "content": "Hello."}], {}
            )
        except RequestRefusedError:
            return False


def _control_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    """A pattern of the control tokens of two characters or more, longest first."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    names = {*tokenizer.all_special_tokens, *(str(token) for token in added if token.special)}
    spelt = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, spelt))) if spelt else None
