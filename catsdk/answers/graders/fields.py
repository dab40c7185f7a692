"""Whether two JSON objects say the same, field by field, by the grader of single answers."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import cast

from anyio.lowlevel import checkpoint
from pydantic import JsonValue

from catsdk.answers.graders.grader import Grader
from catsdk.answers.graders.mathematics import MathGrader
from catsdk.answers.verdict import Verdict

__all__ = ["FieldGrader"]

Schema = Mapping[str, JsonValue]

MAX_TEXT = 200_000
MAX_COMPARED = 200
"""Fields of one pair that may be asked of the grader of single answers."""
MAX_STEPS = 20_000
"""Values of one pair that may be compared at all."""
_MAX_NUMBER = 100
_BY_MEANING = MathGrader()

EQUAL = Verdict("equal", "structure")
_LONG = Verdict("unknown", cause="limit", detail=f"more than {MAX_STEPS:,} values")
# A text that these keywords describe is a code, a date or one of several words, no expression.
_LITERAL = ("enum", "const", "format", "pattern")
# As telephone numbers and postal codes begin, which are not numbers.
_CODE = re.compile(r"[+0]\d")
_MATHEMATICS = re.compile(r"[\d\\^=+*/<>√∞%$]")


@dataclass(frozen=True)
class FieldGrader:
    """Compares JSON objects: equal where every field is, different where one is, else unknown.

    Numbers are compared by value, so that 1.0 is 1. Texts are compared without regard to case and
    spacing; one that holds mathematics, or says the same in other words, as `grader` decides. Lists
    are compared in their order, sets (`uniqueItems`) in any. A text that the schema gives a
    pattern, a format or a list of words is compared as it is written.

    Args:
        grader: Compares two numbers or two texts.
        schema: The JSON schema of the objects, where there is one.

    Example:
        >>> from catsdk.answers import FieldGrader
        >>> (await FieldGrader().grade('{"a": [1.0, "x"]}', '{"a": [1, "X"]}')).outcome
        'equal'
    """

    grader: Grader = _BY_MEANING
    schema: Schema | None = None

    @property
    def bounded(self) -> FieldGrader:
        """The same without worker processes, for votes, which must not wait."""
        if isinstance(self.grader, MathGrader):
            return replace(self, grader=replace(self.grader, bounded=True))
        return self

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare two objects, each as a JSON text."""
        if answer == reference:
            return EQUAL
        try:
            wanted = _value(reference)
        except (ValueError, RecursionError) as error:
            return Verdict("unknown", cause="reference unparseable", detail=str(error))
        try:
            given = _value(answer)
        except (ValueError, RecursionError) as error:
            return Verdict("unknown", cause="unparseable", detail=str(error))
        return await _Comparison(self.grader, self.schema or {}).of(
            given, wanted, self.schema or {}, ""
        )


class _Number(str):
    """A number as it is written: no digit of it is lost."""

    __slots__ = ()


def _value(text: str) -> object:
    if len(text) > MAX_TEXT:
        raise ValueError("the text is too long")
    return json.loads(text, parse_float=_Number, parse_int=_Number)


@dataclass
class _Comparison:
    """The comparison of one pair of objects."""

    grader: Grader
    root: Schema
    asked: int = field(default=0, init=False)
    steps: int = field(default=0, init=False)

    async def of(self, given: object, wanted: object, schema: Schema, at: str) -> Verdict:
        self.steps += 1
        if self.steps > MAX_STEPS:
            return _LONG
        schema = self._plain(schema)
        if isinstance(given, dict) and isinstance(wanted, dict):
            fields, others = cast("dict[str, object]", given), cast("dict[str, object]", wanted)
            return await self._objects(fields, others, schema, at)
        if isinstance(given, list) and isinstance(wanted, list):
            items, rest = cast("list[object]", given), cast("list[object]", wanted)
            if schema.get("uniqueItems") is True:
                return await self._sets(items, rest, schema, at)
            return await self._lists(items, rest, schema, at)
        if isinstance(given, str) and isinstance(wanted, str):
            return await self._texts(given, wanted, schema, at)
        return EQUAL if given is wanted else _different(at)

    async def _objects(
        self, given: dict[str, object], wanted: dict[str, object], schema: Schema, at: str
    ) -> Verdict:
        if given.keys() != wanted.keys():
            return _different(at or "the fields")
        known = cast("Mapping[str, Schema]", schema.get("properties") or {})
        pairs = [
            (given[name], wanted[name], known.get(name, {}), f"{at}.{name}" if at else name)
            for name in given
        ]
        return await self._all(pairs)

    async def _lists(
        self, given: Sequence[object], wanted: Sequence[object], schema: Schema, at: str
    ) -> Verdict:
        if len(given) != len(wanted):
            return _different(at)
        inner = _items(schema)
        return await self._all(
            [
                (one, other, inner, f"{at}[{place}]")
                for place, (one, other) in enumerate(zip(given, wanted, strict=True))
            ]
        )

    async def _all(self, pairs: Sequence[tuple[object, object, Schema, str]]) -> Verdict:
        """Equal where all are; one that is different decides, also where another is unknown."""
        unknown: Verdict | None = None
        for given, wanted, schema, at in pairs:
            verdict = await self.of(given, wanted, schema, at)
            if verdict.outcome == "different" or verdict is _LONG:
                return verdict
            if verdict.outcome == "unknown":
                unknown = unknown or verdict
        return unknown or EQUAL

    async def _sets(
        self, given: Sequence[object], wanted: Sequence[object], schema: Schema, at: str
    ) -> Verdict:
        if len(given) != len(wanted):
            return _different(at)
        left, inner, unknown = list(wanted), _items(schema), None
        for one in given:
            found = await self._in(left, one, inner, at)
            if isinstance(found, int):
                left.pop(found)
            elif found.outcome == "different" or found is _LONG:
                return found
            else:
                unknown = unknown or found
        return unknown or EQUAL

    async def _in(
        self, others: Sequence[object], one: object, schema: Schema, at: str
    ) -> int | Verdict:
        """The place of the one that is equal to `one`, or what is known where none surely is."""
        verdict = _different(at)
        for place, other in enumerate(others):
            found = await self.of(one, other, schema, at)
            if found.outcome == "equal":
                return place
            if found is _LONG:
                return found
            verdict = found if found.outcome == "unknown" else verdict
        return verdict

    async def _texts(self, given: str, wanted: str, schema: Schema, at: str) -> Verdict:
        numbers = isinstance(given, _Number), isinstance(wanted, _Number)
        if all(numbers):
            return EQUAL if _same_number(given, wanted) else await self._ask(given, wanted, at)
        if any(keyword in schema for keyword in _LITERAL):
            return EQUAL if given.strip() == wanted.strip() else _different(at)
        one, other = _folded(given), _folded(wanted)
        if one == other:
            return EQUAL
        if not one or not other or _CODE.match(one) or _CODE.match(other):
            return _different(at)
        verdict = await self._ask(given, wanted, at)
        words = not (_MATHEMATICS.search(one) or _MATHEMATICS.search(other))
        if verdict.outcome == "equal" and words and verdict.tier not in {"text", "engine"}:
            # Of words `ab` and `ba` are the same to algebra alone.
            return Verdict("unknown", cause="undecided", detail=f"{at}: words as an expression")
        return verdict

    async def _ask(self, given: str, wanted: str, at: str) -> Verdict:
        self.asked += 1
        if self.asked > MAX_COMPARED:
            return Verdict("unknown", cause="limit", detail=f"over {MAX_COMPARED} fields differ")
        # One field in each turn of the loop: each may take milliseconds.
        await checkpoint()
        verdict = await self.grader.grade(str(given), str(wanted))
        detail = ": ".join(part for part in (at, verdict.detail) if part)
        return replace(verdict, detail=detail) if verdict.outcome != "equal" else verdict

    def _plain(self, schema: Schema) -> Schema:
        """What `schema` says where it refers to another, or is one that may also be null."""
        for _ in range(8):
            reference, several = schema.get("$ref"), schema.get("anyOf")
            if isinstance(reference, str):
                found: JsonValue = dict(self.root)
                for name in reference.split("/")[1:]:
                    found = found.get(name) if isinstance(found, dict) else None
                schema = found if isinstance(found, dict) else {}
            elif isinstance(several, list):
                kinds = [each for each in several if isinstance(each, dict)]
                there = [each for each in kinds if each.get("type") != "null"]
                schema = there[0] if len(there) == 1 else {}
            else:
                break
        return schema


def _items(schema: Schema) -> Schema:
    items = schema.get("items")
    return items if isinstance(items, dict) else {}


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _same_number(one: str, other: str) -> bool:
    return one == other or (_exact(one) is not None and _exact(one) == _exact(other))


def _exact(text: str) -> Fraction | None:
    """The value of a number as JSON writes it; `None` if it is too long to compute with."""
    exponent = text.lower().partition("e")[2]
    if len(text) > _MAX_NUMBER or len(exponent) > 4 or abs(int(exponent or 0)) > _MAX_NUMBER:
        return None
    return Fraction(text)


def _different(at: str) -> Verdict:
    return Verdict("different", "structure", detail=at)
