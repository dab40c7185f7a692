"""Extracts the response from a synthesis while it is still being streamed."""

from __future__ import annotations

from catsdk.prompts.prompt import Prompt
from catsdk.prompts.reply import UNIFIED, plain_response

__all__ = ["ResponseStream", "asks_for_sections"]

# Characters that may still belong to the heading: colon, closing asterisks, white space.
_OF_HEADING = " \t\r\n*_:"


def asks_for_sections(prompt: Prompt) -> bool:
    """Whether a prompt asks for a summary and then a unified response.

    Args:
        prompt: The prompt of a synthesis.
    """
    words = "".join([prompt.system or "", prompt.user, prompt.then or ""])
    return "UNIFIED RESPONSE" in words.upper()


class ResponseStream:
    r"""Returns the response of a streamed synthesis piece by piece.

    Joined, the pieces are a prefix of what `read_sections` finds in the whole reply. In a sectioned
    reply, nothing is returned until the heading is complete, so no piece is ever taken back.

    Args:
        sectioned: Whether the anchor was asked for a summary before its response.

    Example:
        >>> stream = ResponseStream(sectioned=True)
        >>> [stream.feed(piece) for piece in ("# SUMMARY\nx\n# UNIFIED RES", "PONSE\nIt is ", "4.")]
        ['', 'It is', ' 4.']
    """

    def __init__(self, *, sectioned: bool) -> None:
        """Start empty."""
        self._begun = False
        self._sectioned = sectioned
        self._held = ""
        self._line = 0

    def feed(self, piece: str) -> str:
        """Take the next piece of the reply and return what it adds to the response.

        Args:
            piece: The next piece of the reply.
        """
        self._held += piece
        if not self._begun and not self._begin():
            return ""
        text = self._held.rstrip()
        # White space belongs to the response only if more text follows.
        self._held = self._held[len(text) :]
        return text

    def _begin(self) -> bool:
        """Drop the text before the response, once it is certain where the response begins."""
        if not self._sectioned:
            self._held = self._held.lstrip()
            self._begun = bool(self._held)
            return self._begun
        heading = UNIFIED.search(self._held, self._line)
        if heading is None:
            # A heading is on one line, so complete lines need not be searched again.
            self._line = self._held.rfind("\n") + 1
            return False
        if not self._held[heading.end() :].strip(_OF_HEADING):
            return False
        self._held = plain_response(self._held[heading.end() :], heading, whole=False)
        self._begun = True
        return True
