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

from catsdk.equivalence.extract.closing import chosen, concluded, whole_reply
from catsdk.equivalence.extract.cues import after_cue, after_result
from catsdk.equivalence.extract.extractor import MAX_ANSWER, Extraction, Extractor, Rule
from catsdk.equivalence.extract.fields import answer_field
from catsdk.equivalence.extract.golds import gold_answer, gold_answers
from catsdk.equivalence.extract.marked import boxed, hashed, tagged
from catsdk.equivalence.parse.sentences import last_expression

__all__ = [
    "ANYWHERE",
    "BOXED",
    "MARKED",
    "MAX_ANSWER",
    "STATED",
    "Extraction",
    "Extractor",
    "Rule",
    "extract_answer",
    "gold_answer",
    "gold_answers",
]

BOXED = Extractor((("boxed", boxed),))
MARKED = Extractor((("json", answer_field), *BOXED.rules, ("tag", tagged), ("hashes", hashed)))
STATED = Extractor(
    (
        *MARKED.rules,
        ("said", after_cue),
        ("whole", whole_reply),
        ("choice", chosen),
        ("concluded", concluded),
        ("result", after_result),
    )
)
ANYWHERE = Extractor((*STATED.rules, ("last expression", last_expression)))


def extract_answer(text: str) -> str | None:
    """Return the final answer of `text` by the rules of `STATED`; `None` where it states none."""
    return STATED.extract(text).answer
