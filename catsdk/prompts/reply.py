"""Reads a model's reply (sections, criteria, verdicts, grades) as untrusted text, never run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple, cast, get_args

from catsdk.core.display.counting import counted
from catsdk.core.errors import StructuredOutputError
from catsdk.core.types import Kind
from catsdk.prompts.objects import MAX_REPLY, names_in, read_object

__all__ = [
    "UNIFIED",
    "Answer",
    "Written",
    "plain_response",
    "read_choice",
    "read_criteria",
    "read_grade",
    "read_rubric_grade",
    "read_sections",
    "read_verdict",
    "read_verdicts",
]

MAX_CRITERIA = 50
MAX_CRITERION = 2_000
MAX_QUOTE = 20_000
GRADES = 10
_MOST = 1e9

# As models write them: "# UNIFIED RESPONSE", "**Unified Response:** x", "## 2. Unified response".
_HEADING = r"^[ \t]{0,3}(?:#{1,6}[ \t]*)?(?:[*_]{2,3}[ \t]*)?(?:\d[.)][ \t]*)?"
_ENDING = r"[ \t]*(?:[*_]{2,3})?[ \t]*(?::[ \t]*(?:[*_]{2,3})?|$)[ \t]*"
UNIFIED = re.compile(f"{_HEADING}UNIFIED RESPONSE{_ENDING}", re.MULTILINE | re.IGNORECASE)
_SUMMARY = re.compile(f"{_HEADING}SUMMARY{_ENDING}", re.MULTILINE | re.IGNORECASE)
_NUMERAL = re.compile(r"\d{1,4}(?:\.\d{1,4})?")
_BULLET = re.compile(r"^(?:[-*]|\d{1,3}[.)])[ \t]+(\S.*)$", re.MULTILINE)
# The fields of a verdict that hold the judge's own words or quotations.
_BESIDE = ("id", "evidence", "reason")
_WORDS: Mapping[str, bool | None] = {
    "yes": True,
    "true": True,
    "no": False,
    "false": False,
    "cannot tell": None,
    "can't tell": None,
    "cannot_tell": None,
    "unknown": None,
}


class Answer(NamedTuple):
    """A judge's answer on one criterion; `met` is `None` if the judge cannot tell."""

    met: bool | None
    evidence: str | None = None
    reason: str | None = None


class Written(NamedTuple):
    """A criterion as a model wrote it."""

    text: str
    kind: Kind | None = None


def read_sections(reply: str, *, cut: bool = False) -> tuple[str, str | None]:
    """Split a synthesis into the unified response and the summary before it.

    Headings are accepted as models write them: at any level, in bold, with a colon, or with the
    response on the same line. A reply without any heading is all response.

    Args:
        reply: What the anchor wrote.
        cut: Whether it was cut off at its token limit.

    Returns:
        The response, and the summary if there is one.

    Raises:
        StructuredOutputError: there is a summary but no response, or the reply was cut off.
    """
    heading = next(iter(UNIFIED.finditer(reply)), None)
    response = reply if heading is None else reply[heading.end() :]
    if cut:
        where = "before its unified response" if heading is None else "inside its unified response"
        raise StructuredOutputError(f"the synthesis was cut at its token limit, {where}")
    if heading is None and _SUMMARY.match(reply.lstrip()) is not None:
        raise StructuredOutputError("the synthesis has a summary and no unified response")
    response = plain_response(response, heading)
    if not response:
        raise StructuredOutputError("the unified response of the synthesis is empty")
    if heading is None:
        return response, None
    return response, _SUMMARY.sub("", reply[: heading.start()]).strip().strip("*").strip() or None


def plain_response(response: str, heading: re.Match[str] | None, *, whole: bool = True) -> str:
    """The response without the asterisks that close a bold heading.

    Args:
        response: What follows the heading.
        heading: The match of `UNIFIED`, if there is one.
        whole: Whether the response is complete, so that trailing white space is dropped.
    """
    text = response.strip() if whole else response.lstrip()
    if heading is not None and "**" in heading.group() and text.startswith("**"):
        text = text.removeprefix("**").lstrip()
    return text


def read_criteria(reply: str, *, at_least: int = 1, at_most: int = MAX_CRITERIA) -> list[Written]:
    """Read criteria from an object's `criteria`, or from a list with one criterion per line.

    Only the first `at_most` are kept.

    Raises:
        StructuredOutputError: there are fewer than `at_least` different criteria.
    """
    if reply.strip()[:1] in {"{", "<", "`"}:
        listed = read_object(reply).get("criteria")
    else:
        listed = _BULLET.findall(reply[:MAX_REPLY])
    items = cast("list[object]", listed) if isinstance(listed, list) else []
    written = {each.text: each for item in items if (each := _written(item)) is not None}
    if len(written) < at_least:
        raise StructuredOutputError(
            f"the reply holds {counted(len(written), 'criterion', 'criteria')} where at"
            f" least {at_least} are needed:"
            f" {reply[:200]!r}"
        )
    return list(written.values())[:at_most]


def _written(item: object) -> Written | None:
    fields = cast("dict[str, object]", item) if isinstance(item, dict) else {"text": item}
    text, kind = fields.get("text"), fields.get("kind")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_CRITERION:
        return None
    word = kind.strip().lower() if isinstance(kind, str) else None
    return Written(text.strip(), next((each for each in get_args(Kind) if each == word), None))


def read_verdict(reply: str, *, key: str = "verdict") -> Answer:
    """Read an object whose verdict is yes, no or cannot tell, or a reply that is one such word.

    The verdict is the field `verdict`, or `key` if the prompt asks for it under another name.

    Raises:
        StructuredOutputError: the reply is neither, or several of its fields could be the
            verdict.
    """
    word = reply.strip().strip(".!*").lower()
    if word in _WORDS:
        return Answer(_WORDS[word])
    return _answer(read_object(reply), key)


def read_verdicts(reply: str, ids: Collection[str]) -> dict[str, Answer | StructuredOutputError]:
    """Read `{"verdicts": [{"id": ..., "verdict": ...}, ...]}` by id; some of `ids` may be missing.

    A verdict that is unreadable or given twice becomes an error in place of its answer, and the
    others still count. Verdicts with an id not in `ids` are ignored.

    Raises:
        StructuredOutputError: the reply has no list of verdicts, or none of `ids` has a readable
            one.
    """
    listed = read_object(reply).get("verdicts")
    answers: dict[str, Answer | StructuredOutputError] = {}
    for item in cast("list[object]", listed) if isinstance(listed, list) else []:
        fields = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        name = str(fields.get("id")).strip()
        if name in answers:
            answers[name] = StructuredOutputError(f"the criterion {name!r} has two verdicts")
        elif name in ids:
            answers[name] = _answer_or_error(fields)
    if not answers:
        raise StructuredOutputError(
            f"the reply holds no list 'verdicts' with the ids asked for: {reply[:200]!r}"
        )
    errors = {name: each for name, each in answers.items() if not isinstance(each, Answer)}
    if len(errors) == len(answers):
        raise StructuredOutputError("; ".join(f"{name}: {each}" for name, each in errors.items()))
    return answers


def _answer_or_error(fields: dict[str, object]) -> Answer | StructuredOutputError:
    try:
        return _answer(fields, "verdict")
    except StructuredOutputError as error:
        return error


def read_rubric_grade(reply: str) -> tuple[float, Answer]:
    """Read `{"grade": 0 to 10, ...}`, scaled to 0..1, with evidence and reason.

    Raises:
        StructuredOutputError: there is no whole number from 0 to 10.
    """
    fields = read_object(reply)
    grade = _number(fields, "grade")
    if grade is None or grade != int(grade) or not 0 <= grade <= GRADES:
        shown = str(fields.get("grade"))[:50]
        raise StructuredOutputError(f"the grade is not a whole number from 0 to 10: {shown!r}")
    return grade / GRADES, Answer(None, _text(fields, "evidence"), _text(fields, "reason"))


def _answer(fields: dict[str, object], key: str) -> Answer:
    """The verdict under `key`.

    A second field that could be a verdict is never overlooked: if a quotation broke out of its
    string and added a verdict of its own, the other field holds the judge's.
    """
    named = [name for name in names_in(fields) if name in {"verdict", key}]
    others = [name for name in fields if name not in {*named, *_BESIDE}]
    doubtful = [name for name in others if _word(fields[name]) in _WORDS]
    shown = {name: str(fields[name])[:50] for name in [*named, *doubtful] if name in fields}
    if len(named) != 1 or named[0] not in fields or doubtful:
        raise StructuredOutputError(
            f"the reply must have one verdict, under {key!r}; it has {shown or 'none'}"
        )
    word = _word(fields[named[0]])
    if word not in _WORDS:
        raise StructuredOutputError(
            f"the reply's verdict is neither yes, no nor cannot tell: {shown}"
        )
    return Answer(_WORDS[word], _text(fields, "evidence"), _text(fields, "reason"))


def _word(value: object) -> str:
    # Stripped of no more than `holds_a_yes` looks past.
    word = str(value).strip(" ").rstrip(".!").lower() if isinstance(value, str | bool) else "?"
    return {"true": "yes", "false": "no"}.get(word, word)


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value[:MAX_QUOTE].strip() or None if isinstance(value, str) else None


def read_choice(reply: str, count: int) -> int:
    """Read `{"choice": 3}` or a reply that is only the number; returns a position from 0.

    Raises:
        StructuredOutputError: the reply is neither, or the number is not from 1 to `count`.
    """
    choice, _ = _number_in(reply, "choice", f"1 to {count}")
    if choice == int(choice) and 1 <= choice <= count:
        return int(choice) - 1
    raise StructuredOutputError(
        f"the choice is not a whole number from 1 to {count}: {reply[:200]!r}"
    )


def read_grade(reply: str, *, most: float = 10.0) -> tuple[float, str | None]:
    """Read `{"grade": 7, "reason": "..."}` or a reply that is just the number.

    Raises:
        StructuredOutputError: the reply is neither, or the grade is not from 0 to `most`.
    """
    grade, fields = _number_in(reply, "grade", f"0 to {most:g}")
    if 0 <= grade <= most:
        return grade, _text(fields, "reason")
    raise StructuredOutputError(f"the grade is not a number from 0 to {most:g}: {reply[:200]!r}")


def _number_in(reply: str, name: str, span: str) -> tuple[float, dict[str, object]]:
    """Return the reply's number, bare or under `name` in its object, and the object."""
    text = reply.strip().strip(".!*")
    if _NUMERAL.fullmatch(text):
        return float(text), {}
    wanted = f"a number from {span}, or one JSON object with such a {name!r}, is wanted"
    try:
        fields = read_object(reply)
    except StructuredOutputError as error:
        raise StructuredOutputError(f"{wanted}: {error}") from error
    number = _number(fields, name)
    if number is None:
        raise StructuredOutputError(f"{wanted}: {reply[:200]!r}")
    return number, fields


def _number(fields: dict[str, object], name: str) -> float | None:
    """The number under `name`, even if it is written as a string."""
    value = fields.get(name)
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMERAL.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # A whole number may be too large for a float.
    return float(value) if abs(value) < _MOST else None
