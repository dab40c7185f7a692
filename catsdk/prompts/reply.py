"""Reads a model's reply: sections, criteria, verdicts, grades. It is hostile text, never run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple, cast, get_args

from catsdk.core.errors import StructuredOutputError
from catsdk.core.types import Kind
from catsdk.prompts.objects import MAX_REPLY, read_object

__all__ = [
    "Answer",
    "Written",
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

_UNIFIED = re.compile(r"^#+[ \t]*UNIFIED RESPONSE[ \t:]*$", re.MULTILINE | re.IGNORECASE)
_SUMMARY = re.compile(r"^#+[ \t]*SUMMARY[ \t:]*$", re.MULTILINE | re.IGNORECASE)
_NUMERAL = re.compile(r"\d{1,4}(?:\.\d{1,4})?")
_BULLET = re.compile(r"^(?:[-*]|\d{1,3}[.)])[ \t]+(\S.*)$", re.MULTILINE)
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
    """What a judge says of one criterion; `met` is `None` where it says that it cannot tell."""

    met: bool | None
    evidence: str | None = None
    reason: str | None = None


class Written(NamedTuple):
    """A criterion as a model wrote it."""

    text: str
    kind: Kind | None = None


def read_sections(reply: str) -> tuple[str, str | None]:
    """Split a synthesis into the unified response and the summary before it.

    A reply without the heading is a response as a whole.
    """
    heading = _UNIFIED.search(reply)
    if heading is None:
        return reply.strip(), None
    return reply[heading.end() :].strip(), _SUMMARY.sub(
        "", reply[: heading.start()]
    ).strip() or None


def read_criteria(reply: str, *, at_least: int = 1, at_most: int = MAX_CRITERIA) -> list[Written]:
    """Read criteria from an object's `criteria`, or from a list with one criterion a line.

    Those over `at_most` are left out, the last first.

    Raises:
        StructuredOutputError: fewer than `at_least` different criteria are there.
    """
    if reply.strip()[:1] in {"{", "<", "`"}:
        listed = read_object(reply).get("criteria")
    else:
        listed = _BULLET.findall(reply[:MAX_REPLY])
    items = cast("list[object]", listed) if isinstance(listed, list) else []
    written = {each.text: each for item in items if (each := _written(item)) is not None}
    if len(written) < at_least:
        raise StructuredOutputError(
            f"the reply holds {len(written)} criteria where at least {at_least} are needed:"
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


def read_verdict(reply: str) -> Answer:
    """Read an object with `verdict` (or `met`, true or false), or a reply that is one such word.

    Raises:
        StructuredOutputError: the reply is neither.
    """
    word = reply.strip().strip(".!*").lower()
    if word in _WORDS:
        return Answer(_WORDS[word])
    return _answer(read_object(reply))


def read_verdicts(reply: str, ids: Collection[str]) -> dict[str, Answer]:
    """Read `{"verdicts": [{"id": ..., "verdict": ...}, ...]}` by id; some of `ids` may be missing.

    Raises:
        StructuredOutputError: an id is none of `ids` or has two verdicts, or no verdict is there.
    """
    listed = read_object(reply).get("verdicts")
    answers: dict[str, Answer] = {}
    for item in cast("list[object]", listed) if isinstance(listed, list) else []:
        fields = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        name = str(fields.get("id"))
        if name not in ids:
            raise StructuredOutputError(f"{name[:100]!r} is the id of no criterion")
        if name in answers:
            raise StructuredOutputError(f"the criterion {name!r} has two verdicts")
        answers[name] = _answer(fields)
    if not answers:
        raise StructuredOutputError(f"the reply holds no list 'verdicts': {reply[:200]!r}")
    return answers


def read_rubric_grade(reply: str) -> tuple[float, Answer]:
    """Read `{"grade": 0 to 10, ...}` as a share of 1, with evidence and reason.

    Raises:
        StructuredOutputError: there is no whole number from 0 to 10.
    """
    fields = read_object(reply)
    grade = str(fields.get("grade")).strip()
    if not re.fullmatch(r"\d{1,2}(?:\.0)?", grade) or not 0 <= float(grade) <= GRADES:
        raise StructuredOutputError(f"the grade is no whole number from 0 to 10: {grade[:50]!r}")
    return float(grade) / GRADES, Answer(None, _text(fields, "evidence"), _text(fields, "reason"))


def _answer(fields: dict[str, object]) -> Answer:
    told = {_word(fields[name]) for name in ("verdict", "met") if name in fields}
    if len(told) != 1 or not told <= set(_WORDS):
        shown = {name: str(fields[name])[:50] for name in ("verdict", "met") if name in fields}
        raise StructuredOutputError(
            f"the reply's verdict is neither yes, no nor cannot tell: {shown or 'it has none'}"
        )
    return Answer(_WORDS[told.pop()], _text(fields, "evidence"), _text(fields, "reason"))


def _word(value: object) -> str:
    word = str(value).strip().strip(".!").lower() if isinstance(value, str | bool) else "?"
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
    if isinstance(choice, int) and 1 <= choice <= count:
        return choice - 1
    raise StructuredOutputError(f"the choice is no whole number from 1 to {count}: {reply[:200]!r}")


def read_grade(reply: str, *, most: float = 10.0) -> tuple[float, str | None]:
    """Read `{"grade": 7, "reason": "..."}` or a reply that is only the number.

    Raises:
        StructuredOutputError: the reply is neither, or the grade is not from 0 to `most`.
    """
    grade, fields = _number_in(reply, "grade", f"0 to {most:g}")
    if 0 <= grade <= most:
        return float(grade), _text(fields, "reason")
    raise StructuredOutputError(f"the grade is no number from 0 to {most:g}: {reply[:200]!r}")


def _number_in(reply: str, name: str, span: str) -> tuple[int | float, dict[str, object]]:
    """The number that the reply is, or the one its object has under `name`; and the object."""
    text = reply.strip().strip(".!*")
    if _NUMERAL.fullmatch(text):
        return float(text) if "." in text else int(text), {}
    wanted = f"a number from {span}, or one JSON object with such a {name!r}, is wanted"
    try:
        fields = read_object(reply)
    except StructuredOutputError as error:
        raise StructuredOutputError(f"{wanted}: {error}") from error
    number = fields.get(name)
    if isinstance(number, int | float) and not isinstance(number, bool):
        return number, fields
    raise StructuredOutputError(f"{wanted}: {reply[:200]!r}")
