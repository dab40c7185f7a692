"""An extractor: rules that are tried in order, and what comes before any of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import TypeAlias

from catsdk.answers.extract.templates import ELLIPSIS, is_placeholder
from catsdk.core.errors import InvalidInputError
from catsdk.core.thinking import TAGS, without_thinking

__all__ = ["MAX_ANSWER", "Extraction", "Extractor", "Rule"]

MAX_ANSWER = 1_000
_TAIL = 20_000

Rule: TypeAlias = Callable[[str], str | None]

# The calculator's notes in GSM8K's solutions, and tokens that end a turn.
_NOISE = re.compile(r"<<[^<>\n]{0,200}(?:>>|\Z)|<\|[a-z_]{2,20}\|>\s*\Z|<(?:/s|end_of_turn)>\s*\Z")


@dataclass(frozen=True, slots=True)
class Extraction:
    r"""A final answer, and how it was found.

    Args:
        answer: The answer; `None` if there is none.
        rule: The name of the rule that found it; `None` if none did.

    Example:
        >>> from catsdk.answers import STATED
        >>> STATED.extract(r"So it is \boxed{42}.")
        Extraction(answer='42', rule='boxed')
    """

    answer: str | None
    rule: str | None


# What prompts ask for around work that is not thinking of the model's own kind, and calls of tools.
_SCRATCH_NAMES = """
reasoning scratchpad analysis reflection tool_call tool_calls tool_response tool_result tool_output
function_call function_calls function_results
"""
_SCRATCH = tuple((f"<{name}>", f"</{name}>") for name in _SCRATCH_NAMES.split())

_WORK = (*TAGS, *_SCRATCH)
# Careless texts write them as `<THINK>` and `</ think >`, too.
_CARELESS_TAG = re.compile(
    rf"<\s?(/?)\s?(think|thinking|thought|{'|'.join(_SCRATCH_NAMES.split())})\s?>", re.IGNORECASE
)
_TAG_OF_WORK = re.compile(
    "|".join([_CARELESS_TAG.pattern, *(re.escape(tag) for pair in TAGS for tag in pair)]),
    re.IGNORECASE,
)
# Where a tag may begin, and neither a note of a calculator nor, mostly, a comparison.
_TAG_START = re.compile(r"<[\s/|!a-z]", re.IGNORECASE)
# A line that LaTeX or Markdown leaves out.
_LEFT_OUT = re.compile(r"^(?:%|\[//\]: # )[^\n]*$", re.MULTILINE)
# What is struck through, a comment, or in a tag that calls it wrong, is not shown as an answer.
_STRUCK = re.compile(
    r"~~[^~\n]{1,200}~~|<!--[^<>]{0,2000}-->|<(?P<tag>(?:del|s|strike)(?=[\s>])|(?:not|no|non|false"
    r"|fake|wrong|incorrect|rejected|discarded|invalid|previous|draft|old|example|user|human|student"
    r"|question|problem|prompt|instruction|quote|blockquote)[a-z_]{0,20})(?:\s[^<>]{0,200})?>"
    r"[^<>]{0,400}(?:</?\w{1,20}>[^<>]{0,400}){0,2}</(?P=tag)>",
    re.IGNORECASE,
)
_NOT_SHOWN = re.compile(
    r"<(?P<tag>\w{1,12})\s[^<>]{0,200}?(?:line-through|display:\s?none|visibility:\s?hidden|\bhidden\b)"
    r"[^<>]{0,200}>[^<>]{0,400}</(?P=tag)>",
    re.IGNORECASE,
)
# Characters that are struck through by those that combine with them; "=" becomes "≠".
_STRIKES = re.compile(r"[\u0335-\u0338\u20e0]")
_STRUCK_SIGNS = re.compile(r"(?:[^\s=<>][\u0335-\u0338\u20e0]\s?)+")
_ENTITY = re.compile(r"&(?:#\d{2,5}|#x[\da-f]{2,5}|[a-z]{2,8});", re.IGNORECASE)
_COLOUR = re.compile(
    r"\\(?:text|math)?color(?:box)?\{(?!white|transparent)[A-Za-z!\d]{1,20}\}", re.IGNORECASE
)
# Boxes whose backslash was lost, or taken for the sign of a control character.
_CARELESS_BOX = re.compile(r"(?:\\?\x08|\\B|(?<![A-Za-z\\])b)oxed\{")
# Emphasis that ends inside an equation, behind its sign: "*4 + 8 =* 12".
_EMPHASISED_SIDE = re.compile(r"(?<![\w*`])(\*{1,3}|_{1,2}|`)(?=\S)([^*_`\n]{0,100}=\s?)\1(?=\s)")
# Turns of the user and of the system, with the tokens of chat templates.
_SPOKEN_BY = re.compile(r"<(?:\|im_start\||\|start_header_id\||start_of_turn)>(?:user|system)")
_OF_USER = re.compile(
    r"(?:<\|im_start\|>(?:user|system)\b|<\|start_header_id\|>(?:user|system)<\|end_header_id\|>"
    r"|<start_of_turn>user\b|\[INST\])(?:[^<\[]|<(?!\|im_end|\|eot_id|end_of_turn)|\[(?!/INST\])){0,20000}"
    r"(?:<\|im_end\|>|<\|eot_id\|>|<end_of_turn>|\[/INST\]|\Z)"
)
# The next question, which a model that does not stop asks itself.
_NEXT_TURN = re.compile(
    r"\n(?:\#{1,6}\s|\*\*)?(?:(?:Human|User|Q|Question)(?:\ \d{1,3})?\ ?:|<\|(?:im_start\|>)?user)"
)
# Who speaks, in a transcript without such tokens.
_SPEAKER = re.compile(
    r"(?:\A|\n)[\s#*>_\[]{0,8}(?:(?P<user>User|Human|用户)|Assistant|Model|Bot|AI|助手)(?:\s\d{1,3})?"
    r"[*_\]]{0,3}\s?[:：][*_]{0,3}",
    re.IGNORECASE,
)
_BEFORE_SPEAKER = frozenset("UuHh用#*>_[ \t\r\n")
_BRACE = re.compile(r"[{}]")

NOTHING = Extraction(None, None)


@dataclass(frozen=True, slots=True)
class Extractor:
    r"""Finds the final answer of a completion by the first rule that fires.

    A rule is a function from a text to the answer in it. It returns `None` if it does not
    apply; then the next one is tried. It returns an empty text where the completion has no final
    answer although a later rule might find something in it, such as a number in a sentence that
    only guesses; then there is none. Put your own rule among those of `STATED`.

    Thinking is never searched, and neither is what follows a question that the model asks itself
    behind its answer. Only the last 20,000 characters are, and an answer of over 1,000
    characters is none.

    Args:
        rules: Pairs of a name, which is recorded, and a rule.

    Example:
        >>> import re
        >>> from catsdk.answers import STATED, Extractor
        >>> def marked(text):
        ...     found = re.search(r"RESULT=(\S+)", text)
        ...     return found and found[1]
        >>> Extractor((("mine", marked), *STATED.rules)).extract("RESULT=42").answer
        '42'
    """

    rules: tuple[tuple[str, Rule], ...]

    def extract(self, text: str, *, cut: bool = False) -> Extraction:
        """Find the final answer of `text`.

        Args:
            text: What the model wrote.
            cut: Whether it was stopped before it had finished, at its limit of tokens. Rules then
                see an ellipsis at its end, and a number that the end may have cut is not an answer.

        Returns:
            The answer and the name of the rule; both are `None` if there is no final answer.

        Raises:
            InvalidInputError: a rule of one's own gave something else than a text.
        """
        searched = _searched(text)
        if "?" in searched and (turn := _NEXT_TURN.search(searched)) is not None:
            before = self._first(searched[: turn.start()])
            if before.answer is not None:
                return before
        return self._first(searched + (ELLIPSIS if cut else ""))

    def _first(self, searched: str) -> Extraction:
        """Return what the first rule finds that fires."""
        for name, rule in self.rules:
            answer = rule(searched)
            if answer is not None:
                return _checked(answer, name)
        return NOTHING


def _checked(answer: object, rule: str) -> Extraction:
    if not isinstance(answer, str):
        raise InvalidInputError(
            f"the rule {rule!r} gave {answer!r:.80}; give the answer as a text, or None where there"
            " is none"
        )
    answer = answer.strip()
    if not 0 < len(answer) <= MAX_ANSWER or is_placeholder(answer):
        return NOTHING
    return Extraction(answer, rule)


def _searched(text: str) -> str:
    """Return the end of `text` without thinking and without marks that say nothing."""
    start = max(0, len(text) - _TAIL)
    tail = text[start:]
    for opening, closing in TAGS if start else ():
        if text.rfind(opening, 0, start) > text.rfind(closing, 0, start) and closing not in tail:
            return ""
    tail = _outside_boxes(text, start) if start else text
    # One character is found many times faster than several.
    angled = "<" in tail
    tagged = angled and _TAG_START.search(tail) is not None
    working = tagged or ("K" in tail and "THINK]" in tail) or "◁" in tail
    if working and _TAG_OF_WORK.search(tail):
        tail = without_thinking(_CARELESS_TAG.sub(_plain_tag, tail), _WORK)
    tail = _as_shown(tail)
    if (
        ("*" in tail and ("=*" in tail or "= *" in tail))
        or ("_" in tail and "=_" in tail)
        or ("`" in tail and "=`" in tail)
    ):
        tail = _EMPHASISED_SIDE.sub(r"\2", tail)
    if "%" in tail and ("\n%" in tail or tail[0] == "%") or "#" in tail and "[//]" in tail:
        tail = _LEFT_OUT.sub("", tail)
    if (tagged and _SPOKEN_BY.search(tail)) or ("[" in tail and "[INST]" in tail):
        tail = _OF_USER.sub("", tail)
    if tail[:1] in _BEFORE_SPEAKER and (speaker := _SPEAKER.match(tail)) and speaker["user"]:
        tail = _without_user(tail)
    if tagged and ("<!--" in tail or "</" in tail) or "~" in tail and "~~" in tail:
        tail = _NOT_SHOWN.sub("", _STRUCK.sub("", tail))
    return _NOISE.sub("", tail) if angled else tail


def _as_shown(text: str) -> str:
    """Return a text with its entities as characters, mended boxes, no colours or struck signs."""
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    if "olor" in text:
        text = _COLOUR.sub("", text)
    box = text.rfind("oxed{")
    if box >= 0 and not text.startswith("\\b", box - 2):
        text = _CARELESS_BOX.sub(r"\\boxed{", text)
    if not text.isascii() and _STRIKES.search(text):
        text = _STRUCK_SIGNS.sub("", text.replace("=\u0338", "≠"))
    return text


def _without_user(transcript: str) -> str:
    """Return what the model says in a transcript that begins with the user.

    Where nobody else speaks, only the first line is surely the user's.
    """
    speakers = list(_SPEAKER.finditer(transcript))
    ends = [*(speaker.start() for speaker in speakers[1:]), len(transcript)]
    said = [
        transcript[speaker.end() : end]
        for speaker, end in zip(speakers, ends, strict=True)
        if not speaker["user"]
    ]
    return "\n".join(said) or transcript[speakers[0].end() :].lstrip().partition("\n")[2]


def _character(entity: re.Match[str]) -> str:
    return unescape(entity.group()).replace("\u00a0", " ")


def _plain_tag(tag: re.Match[str]) -> str:
    return f"<{tag[1]}{tag[2].lower()}>"


def _outside_boxes(text: str, start: int) -> str:
    """Return the text from `start` on, or from the end of a box that stands open there."""
    box = max(text.rfind(mark, 0, start) for mark in ("\\boxed{", "\\fbox{"))
    depth = text.count("{", box, start) - text.count("}", box, start) if box >= 0 else 0
    if depth <= 0:
        return text[start:]
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return text[brace.end() :]
    return ""
