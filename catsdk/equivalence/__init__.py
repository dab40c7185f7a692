"""When two answers are the same: extraction, tiers of comparison, classes and graders.

The names below are loaded when they are first used; nothing here loads sympy or mpmath before a
comparison needs it.
"""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

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

_HOMES = {
    "ANYWHERE": "catsdk.equivalence.extract",
    "Answers": "catsdk.equivalence.answers",
    "BOXED": "catsdk.equivalence.extract",
    "CodeOutput": "catsdk.equivalence.graders.yours",
    "ExactMatch": "catsdk.equivalence.graders.plain",
    "Extraction": "catsdk.equivalence.extract",
    "Extractor": "catsdk.equivalence.extract",
    "FunctionGrader": "catsdk.equivalence.graders.yours",
    "Grader": "catsdk.equivalence.graders.grader",
    "JsonEquality": "catsdk.equivalence.graders.plain",
    "MARKED": "catsdk.equivalence.extract",
    "MathGrader": "catsdk.equivalence.graders.mathematics",
    "MathVerifyGrader": "catsdk.equivalence.graders.math_verify",
    "MultipleChoice": "catsdk.equivalence.graders.plain",
    "NumericTolerance": "catsdk.equivalence.graders.plain",
    "Options": "catsdk.equivalence.options",
    "STATED": "catsdk.equivalence.extract",
    "Verdict": "catsdk.equivalence.verdict",
    "compare_sync": "catsdk.equivalence.compare",
    "equivalence_classes": "catsdk.equivalence.classes",
    "extract_answer": "catsdk.equivalence.extract",
    "gold_answers": "catsdk.equivalence.extract",
    "grade_all": "catsdk.equivalence.graders.grader",
    "is_same": "catsdk.equivalence.compare",
    "same": "catsdk.equivalence.compare",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
