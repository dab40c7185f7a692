"""Reads the response out of a synthesis while it is still being written."""

from __future__ import annotations

from catsdk.prompts.prompt import Prompt
from catsdk.prompts.reply import UNIFIED, plain_response

__all__ = ["ResponseStream", "asks_for_sections"]

# What may still belong to the heading: its colon, its closing stars, white space.
_OF_HEADING = " \t\r\n*_:"


def asks_for_sections(prompt: Prompt) -> bool:
    """Whether a prompt asks for a summary and then a unified response.

    Args:
        prompt: The prompt of a synthesis.
    """
    words = "".join([prompt.system or "", prompt.user, prompt.then or ""])
    return "UNIFIED RESPONSE" in words.upper()


class ResponseStream:
    r"""Gives the pieces of the response of a streamed synthesis.

    The pieces join to a beginning of what `read_sections` finds in the whole reply. Of a sectioned
    reply nothing is given before its heading is complete, so that no piece is ever taken back.

    Args:
        sectioned: Whether the anchor was asked for a summary before its response.

    Example:
        >>> stream = ResponseStream(sectioned=True)
        >>> [stream.feed(piece) for piece in ("# SUMMARY\nx\n# UNIFIED RES", "PONSE\nIt is ", "4.")]
        ['', 'It is', ' 4.']
    """

    def __init__(self, *, sectioned: bool) -> None:
        """Begin with nothing."""
        self._begun = False
        self._sectioned = sectioned
        self._held = ""
        self._line = 0

    def feed(self, piece: str) -> str:
        """Take in the next piece of the reply; returns what it adds to the response.

        Args:
            piece: The piece.
        """
        self._held += piece
        if not self._begun and not self._begin():
            return ""
        text = self._held.rstrip()
        # White space belongs to the response only if more of it follows.
        self._held = self._held[len(text) :]
        return text

    def _begin(self) -> bool:
        """Drop what stands before the response, once it is certain where that begins."""
        if not self._sectioned:
            self._held = self._held.lstrip()
            self._begun = bool(self._held)
            return self._begun
        heading = UNIFIED.search(self._held, self._line)
        if heading is None:
            # A heading stands in one line: those that are complete need no second look.
            self._line = self._held.rfind("\n") + 1
            return False
        if not self._held[heading.end() :].strip(_OF_HEADING):
            return False
        self._held = plain_response(self._held[heading.end() :], heading, whole=False)
        self._begun = True
        return True
