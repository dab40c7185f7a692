r"""The final answer of a completion, by the first rule that finds one; the rule is recorded.

A rule is a function from a text to the answer in it, or `None`; your own goes into an `Extractor`
among the ones here. Only the last 20,000 characters are searched, and an answer over 1,000
characters is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from catsdk.equivalence.parse.boxes import last_boxed
from catsdk.equivalence.parse.sentences import formula_at_start, last_expression, last_match

__all__ = [
    "ANYWHERE",
    "MAX_ANSWER",
    "STATED",
    "Extraction",
    "Extractor",
    "Rule",
    "extract_answer",
]

MAX_ANSWER = 1_000
_TAIL = 20_000

Rule: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Extraction:
    """An answer, and the name of the rule that found it; both `None` where none did."""

    answer: str | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class Extractor:
    """Tries rules in order; each has a name, which is recorded."""

    rules: tuple[tuple[str, Rule], ...]

    def extract(self, text: str) -> Extraction:
        """Return the first answer that a rule finds in the end of `text`."""
        tail = text[-_TAIL:]
        for name, rule in self.rules:
            answer = rule(tail)
            if answer is not None and 0 < len(answer := answer.strip()) <= MAX_ANSWER:
                return Extraction(answer, name)
        return Extraction(None, None)


_SAID = re.compile(
    r"""
    (?:
        \b(?:final\ answer|(?:the\ |correct\ )answer|answer|result|solution)\*{0,2}
        \ ?(?:is\b|are\b|:|=)
      | \b(?:r[ée]ponse(?:\ finale)?|respuesta(?:\ final)?|resposta(?:\ final)?|risposta
        |antwort|answer)\ ?(?:est|es|é|è|lautet|ist|:)
      | (?:ответ|答案|答え|정답|答)\ ?(?:是|为|為|は|은|:|：)
    )
    [\ \t]{0,8}:?(?:\ ?\*\*)?[\ \t]{0,8}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_JSON_FIELD = re.compile(
    r'"(?:final_?answer|answer|result)"\s{0,8}:\s{0,8}(?:"((?:[^"\\]|\\.){1,1000})"|(-?[\d.]{1,40}))',
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<!\d)\.(?:\s|$)|(?<=\d)\.(?:\s|$)|[。\n]|\.\)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LATEX = re.compile(r"\\[A-Za-z]+(?:\{[^{}]{0,80}\})?|\$[^$]{0,200}\$")
_CHOICE = re.compile(r"\(?([A-J])(?:\)|[.,:;]|\s|$)")


def extract_answer(text: str) -> str | None:
    r"""Return the stated final answer in `text`, or `None`.

    The rules are those of `STATED`, in order: the last balanced `\boxed{}` or `\fbox{}` (several
    that answer together are joined by commas); the last `<answer>` tag; the last line `#### x`;
    what follows the last "final answer is", "the answer is" or "answer:", in other languages too;
    the field `answer` of JSON.
    """
    return STATED.extract(text).answer


def _tagged(text: str) -> str | None:
    end = text.rfind("</answer>")
    start = text.rfind("<answer>", 0, max(end, 0))
    return text[start + len("<answer>") : end] if start >= 0 else None


def _hashed(text: str) -> str | None:
    start = text.rfind("#### ")
    return text[start + 5 :].partition("\n")[0] if start >= 0 else None


def _said(text: str) -> str | None:
    mark = last_match(_SAID, text)
    if mark is None:
        return None
    rest = text[mark.end() : mark.end() + 2 * MAX_ANSWER].lstrip()
    if formula := formula_at_start(rest):
        return formula
    end = _SENTENCE_END.search(rest)
    sentence = (rest[: end.start()] if end else rest).strip().strip("*").strip()
    return _essence(sentence)


def _essence(sentence: str) -> str | None:
    """Take the answer out of a whole sentence; a short answer is one already."""
    words = len(_WORD.findall(_LATEX.sub(" ", sentence)))
    if words <= 3:
        return sentence or None
    if choice := _CHOICE.match(sentence):
        return choice.group(1)
    return last_expression(sentence) or sentence


def _field(text: str) -> str | None:
    found = last_match(_JSON_FIELD, text)
    return (found.group(1) or found.group(2)) if found else None


STATED = Extractor(
    (
        ("boxed", last_boxed),
        ("tag", _tagged),
        ("hashes", _hashed),
        ("said", _said),
        ("json", _field),
    )
)
ANYWHERE = Extractor((*STATED.rules, ("last expression", last_expression)))
