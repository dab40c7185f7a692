"""Graders of simple tasks: exact match, numbers within a tolerance, multiple choice, JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from catsdk.answers.compare import same
from catsdk.answers.extract import STATED
from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict

__all__ = ["ExactMatch", "JsonEquality", "MultipleChoice", "NumericTolerance"]

_MAX_JSON = 100_000
_MAX_NUMBER = 100


@dataclass(frozen=True)
class ExactMatch:
    """Equal texts, without space around them.

    Args:
        fold_case: Whether capitals and small letters are the same.
        fold_space: Whether any run of spaces and line breaks is the same.

    Example:
        >>> from catsdk.answers import ExactMatch
        >>> (await ExactMatch(fold_case=True).grade(" Paris", "paris")).equal
        True
    """

    fold_case: bool = False
    fold_space: bool = False

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare the texts."""
        return _verdict(self._bare(answer) == self._bare(reference))

    def _bare(self, text: str) -> str:
        text = " ".join(text.split()) if self.fold_space else text.strip()
        return text.casefold() if self.fold_case else text


@dataclass(frozen=True)
class NumericTolerance:
    """Numbers that differ by little.

    An answer that is not a number is different; a reference that is none makes an unknown verdict.

    Args:
        absolute: The difference that is allowed.
        relative: The difference that is allowed, as a share of the larger number.

    Example:
        >>> from catsdk.answers import NumericTolerance
        >>> (await NumericTolerance(absolute=0.01).grade("3.14", "3.14159")).equal
        True
    """

    absolute: float = 0.0
    relative: float = 1e-6

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare the numbers."""
        options = Options(absolute=self.absolute, relative=self.relative)
        return same(answer, reference, options)


@dataclass(frozen=True)
class MultipleChoice:
    """The letter of a choice, with or without brackets and the text of the choice behind it.

    The answer may be a whole sentence: the stated answer counts, then a letter that stands first,
    then the last letter that stands alone.

    Args:
        choices: The letters that may be chosen.

    Example:
        >>> from catsdk.answers import MultipleChoice
        >>> (await MultipleChoice("ABCD").grade("The answer is (C) Paris.", "C")).equal
        True
    """

    choices: str = "ABCDEFGHIJ"

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare the chosen letters."""
        wanted, chosen = self.chosen(reference), self.chosen(answer)
        if wanted is None:
            return Verdict("unknown", cause="reference unparseable", detail="no choice in it")
        if chosen is None:
            return Verdict("unknown", cause="unparseable", detail="no choice in it")
        return _verdict(wanted == chosen)

    def chosen(self, text: str) -> str | None:
        """Return the letter that a text chooses; `None` if it chooses none.

        Args:
            text: An answer.
        """
        for part in (STATED.extract(text).answer, text):
            if part is not None and (letter := self._letter(part)):
                return letter
        return None

    def _letter(self, text: str) -> str | None:
        bare = re.sub(r"\\(?:text|textbf|mathrm|mathbf)\s?|[{}$*]", "", text[-4_000:]).strip()
        letters = f"[{re.escape(self.choices)}]"
        if first := re.match(rf"\(?({letters})(?![A-Za-z'])", bare):
            return first.group(1)
        if len(bare) == 1 and bare.upper() in self.choices:
            return bare.upper()
        stated = re.findall(
            rf"(?:answer|option|choice|choose|correct)\W{{1,4}}(?:\w{{1,10}}\W{{1,3}}){{0,5}}?"
            rf"\(?({letters})(?![\w'])",
            bare,
        )
        alone = stated or re.findall(rf"(?<![\w'])\(?({letters})(?![\w'])", bare)
        return cast("str", alone[-1]) if alone else None


@dataclass(frozen=True)
class JsonEquality:
    """Equal JSON values: the order of fields and the writing of numbers do not matter.

    An answer may stand in a code fence.

    Args:
        unordered: Whether the order of arrays does not matter either.

    Example:
        >>> from catsdk.answers import JsonEquality
        >>> (await JsonEquality().grade('{"b": 1.0, "a": [2]}', '{"a": [2], "b": 1}')).equal
        True
    """

    unordered: bool = False

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare the values."""
        try:
            wanted = self._value(reference)
        except (ValueError, RecursionError) as error:
            return Verdict("unknown", cause="reference unparseable", detail=str(error))
        try:
            return _verdict(self._value(answer) == wanted)
        except (ValueError, RecursionError) as error:
            return Verdict("unknown", cause="unparseable", detail=str(error))

    def _value(self, text: str) -> object:
        if len(text) > _MAX_JSON:
            raise ValueError("the text is too long")
        fenced = re.search(r"```(?:json)?\n(.*?)```", text, re.DOTALL)
        value = json.loads(
            fenced.group(1) if fenced else text, parse_float=_number, parse_int=_number
        )
        return self._canonical(value)

    def _canonical(self, value: object) -> object:
        """Return a value whose equality is JSON's: `true` is no 1, and arrays may have no order."""
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            return {name: self._canonical(field) for name, field in fields.items()}
        if isinstance(value, list):
            items = [self._canonical(item) for item in cast("list[object]", value)]
            return sorted(items, key=repr) if self.unordered else items
        return (type(value).__name__, value)


def _number(text: str) -> Fraction:
    if len(text) > _MAX_NUMBER or abs(int(text.lower().partition("e")[2] or 0)) > _MAX_NUMBER:
        raise ValueError("a number is too long")
    return Fraction(text)


def _verdict(equal: bool) -> Verdict:
    return Verdict("equal" if equal else "different", "text")
