"""Passes the text of a streamed answer to the caller, without thinking and without secrets."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.core.ports import OnText
from catsdk.core.thinking import AnswerStream
from catsdk_providers.http.secrets import Hiding
from catsdk_providers.http.service import CallerFailed

__all__ = ["Told"]


class Told:
    """Passes the pieces of an answer to the caller's `on_text`, whose own errors stay its own."""

    def __init__(self, on_text: OnText, secrets: Sequence[str]) -> None:
        """Nothing was passed on yet."""
        self._on_text = on_text
        self._some = False
        self._answer = AnswerStream(self._pass)
        self._hiding = Hiding(secrets)

    def feed(self, text: str) -> None:
        """Take the next piece of the text.

        Raises:
            CallerFailed: `on_text` raised.
        """
        if text:
            self._answer.feed(self._hiding.feed(text))

    def end(self, answer: str) -> None:
        """Pass on what was held back; all of `answer` where it did not come as a stream's text."""
        self._answer.feed(self._hiding.end())
        self._answer.end()
        if not self._some and answer:
            self._pass(answer)

    def _pass(self, piece: str) -> None:
        self._some = True
        try:
            self._on_text(piece)
        except Exception as error:
            raise CallerFailed(error) from error
