r"""The final answer of a completion, by the first rule that finds one; the rule is recorded.

Four extractors go from strict to lenient; each holds the rules of the one before it:

- `BOXED`: `\boxed{}` alone, as papers on mathematics score;
- `MARKED`: what the text marks as final: a field of JSON, a box, the tag `<answer>`, `#### x`;
- `STATED`, the default: also what follows "the answer is", and what the end of the text asserts;
- `ANYWHERE`: also the last expression of the text, whatever is said of it.

A text that asserts no answer has none under all but the last: a guess, a denial, a question, one of
several alternatives, a template, a sentence that stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from catsdk.answers.engine.parse.sentences import last_expression
from catsdk.answers.extract.extractor import MAX_ANSWER, Extraction, Extractor, Rule

__all__ = [
    "ANYWHERE",
    "BOXED",
    "MARKED",
    "MAX_ANSWER",
    "SHIPPED",
    "STATED",
    "Extraction",
    "Extractor",
    "Rule",
    "extract_answer",
    "load_rules",
]


@dataclass(frozen=True, slots=True)
class _Late:
    """A rule whose module is loaded when it is first asked: its patterns take long to compile.

    A text that holds none of its `marks` has no answer by it, which is quick to see.
    """

    module: str
    name: str
    marks: tuple[str, ...] = ("",)

    def __call__(self, text: str) -> str | None:
        # From the end, where answers stand.
        for mark in self.marks:
            if text.rfind(mark) >= 0:
                return _loaded(self.module, self.name)(text)
        return None


@cache
def _loaded(module: str, name: str) -> Rule:
    rule: Rule = getattr(import_module(f"{__name__}.{module}"), name)
    return rule


BOXED = Extractor((("boxed", _Late("marked", "boxed", ("\\boxed", "\\fbox"))),))
"""Finds what stands in the last box: the strictest, as the paper's tasks ask for it."""
MARKED = Extractor(
    (
        ("json", _Late("fields", "answer_field", ('"', "'"))),
        *BOXED.rules,
        ("tag", _Late("marked", "tagged", ("<", "["))),
        ("hashes", _Late("marked", "hashed", ("####",))),
    )
)
"""Finds answers that are marked as such: a field of JSON, a box, a tag, `####`."""
STATED = Extractor(
    (
        *MARKED.rules,
        ("said", _Late("cues", "after_cue")),
        ("choice", _Late("closing", "chosen")),
        ("whole", _Late("closing", "whole_reply")),
        ("concluded", _Late("closing", "concluded")),
        ("result", _Late("cues", "after_result")),
    )
)
"""Finds marked answers, and those that the text states as its answer; the default."""
ANYWHERE = Extractor((*STATED.rules, ("last expression", last_expression)))
"""Finds stated answers, else the last expression of the text, which need not be an answer."""
SHIPPED = (STATED, ANYWHERE, MARKED, BOXED)


def load_rules() -> None:
    """Load the rules now, some 50 ms of CPU that the first text would take otherwise."""
    for _, rule in STATED.rules:
        if isinstance(rule, _Late):
            _loaded(rule.module, rule.name)


def extract_answer(text: str) -> str | None:
    """Return the final answer of a text by the rules of `STATED`; `None` if it states none.

    Args:
        text: What a model wrote.

    Example:
        >>> from catsdk.answers import extract_answer
        >>> extract_answer("6 times 7 is 42, so the answer is 42.")
        '42'
    """
    return STATED.extract(text).answer
