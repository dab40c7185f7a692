"""Values and phrases at the start of a text, up to the end of their clause."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catsdk.answers.extract.templates import ELLIPSIS

__all__ = ["AROUND", "VERB", "WORD", "Value", "start_of", "words_at"]

WORD = re.compile(r"[^\W\d_][^\W_]{0,60}(?:['’-][^\W_]{1,60}){0,8}")
VERB = re.compile(r"\b(?:is|are|was|were|equals?|has|have|can|will)\b|=", re.IGNORECASE)
AROUND = " \t\n:：*_`\"'“”"


@dataclass(frozen=True, slots=True)
class Value:
    """An answer at the start of a text, and what follows it there."""

    text: str
    rest: str
    alternatives: bool = False


_WINDOW = 1_200
_BULLET = re.compile(r"^[ \t:*]{0,4}\n\s{0,4}[-•*>]\s")
_FENCE = re.compile(r"^[ \t:*]{0,4}\s{0,4}```(?:text|txt|plaintext|markdown|output)?[ \t]*\n")
_FILLER = re.compile(
    r"(?:(?:therefore|thus|hence|then|simply|just|clearly|exactly|precisely|indeed|also|now"
    r"|equal to|equals|obviously|actually|definitely|certainly|for sure|given by"
    r"|(?:approximately|about|around|roughly)(?=\s{1,4}(?:[^\sA-Za-z]|equal\b))"
    r"|(?:la |die |a |l['’])?(?:option|opción|opção|opzione)|выбор|вариант|choice|letter|a total of"
    r"|in total|the number|the value|the letter|number|value)\b[,:]?\s{1,4}"
    r"|(?:[-=]>|[:=≈≅→]|~(?!\s?[A-Za-z]))\s{0,4}|\\approx\s{0,4}|is\s{1,4}){1,12}",
    re.IGNORECASE,
)


def start_of(text: str) -> str:
    """Return a text from where its answer may begin, without words that only lead to it."""
    text = _FENCE.sub("", _BULLET.sub("", text[:_WINDOW])).lstrip(" \t\n:：")
    filler = _FILLER.match(text)
    return text[filler.end() :] if filler else text


_CLAUSE = re.compile(
    r"[.!?。！？](?=\s|$|\*|\")|[;\n]|—|\s[-–]\s|\s\("
    r"|,?\s(?=(?:since|because|which|as|where|so|but|given|after|before|if|when|while|due)\b)"
    r"|,(?=\s(?:and|the|it|he|she|they|we|you|i|this|that|not)\b)|,(?=\s[a-z]+ing\b)"
    r"|[。，；]"
)
_LATEX_WORDS = re.compile(r"\\[A-Za-z]+(?:\{[^{}]{0,80}\})?|\$[^$]{0,200}\$")


def words_at(text: str, most: int = 4) -> Value | None:
    """Read an answer of at most `most` words that `text` begins with, up to the clause's end."""
    text = start_of(text)
    end = _CLAUSE.search(text)
    phrase = text[: end.start()] if end else text
    rest = text[end.start() :] if end else ""
    phrase = phrase.strip(AROUND).rstrip(",")
    count = len(WORD.findall(_LATEX_WORDS.sub(" ", phrase)))
    if not phrase or count > most or len(phrase) > 200 or ELLIPSIS in phrase or "?" in rest[:2]:
        return None
    return Value(phrase, rest)
