"""When two answers are the same: extraction, tiers of comparison, classes and graders.

The names below are loaded when they are first used; nothing here loads sympy or mpmath before a
comparison needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catsdk.equivalence.answers import Answers
    from catsdk.equivalence.classes import equivalence_classes
    from catsdk.equivalence.compare import compare_sync, is_same, same
    from catsdk.equivalence.extract import (
        ANYWHERE,
        BOXED,
        MARKED,
        STATED,
        Extraction,
        Extractor,
        extract_answer,
        gold_answers,
    )
    from catsdk.equivalence.graders.grader import Grader, grade_all
    from catsdk.equivalence.graders.math_verify import MathVerifyGrader
    from catsdk.equivalence.graders.mathematics import MathGrader
    from catsdk.equivalence.graders.plain import (
        ExactMatch,
        JsonEquality,
        MultipleChoice,
        NumericTolerance,
    )
    from catsdk.equivalence.graders.yours import CodeOutput, FunctionGrader
    from catsdk.equivalence.options import Options
    from catsdk.equivalence.verdict import Verdict

__all__ = [
    "ANYWHERE",
    "BOXED",
    "MARKED",
    "STATED",
    "Answers",
    "CodeOutput",
    "ExactMatch",
    "Extraction",
    "Extractor",
    "FunctionGrader",
    "Grader",
    "JsonEquality",
    "MathGrader",
    "MathVerifyGrader",
    "MultipleChoice",
    "NumericTolerance",
    "Options",
    "Verdict",
    "compare_sync",
    "equivalence_classes",
    "extract_answer",
    "gold_answers",
    "grade_all",
    "is_same",
    "same",
]

_HOME = {
    "ANYWHERE": "extract",
    "Answers": "answers",
    "BOXED": "extract",
    "MARKED": "extract",
    "STATED": "extract",
    "CodeOutput": "graders.yours",
    "ExactMatch": "graders.plain",
    "Extraction": "extract",
    "Extractor": "extract",
    "FunctionGrader": "graders.yours",
    "Grader": "graders.grader",
    "JsonEquality": "graders.plain",
    "MathGrader": "graders.mathematics",
    "MathVerifyGrader": "graders.math_verify",
    "MultipleChoice": "graders.plain",
    "NumericTolerance": "graders.plain",
    "Options": "options",
    "Verdict": "verdict",
    "equivalence_classes": "classes",
    "extract_answer": "extract",
    "gold_answers": "extract",
    "grade_all": "graders.grader",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'compare')}"), name)


def __dir__() -> list[str]:
    return __all__
