"""When two answers are the same: extraction, tiers of comparison, classes and graders.

The names below are loaded when they are first used; nothing here loads sympy or mpmath before a
comparison needs it.
"""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk.answers.answers import Answers
    from catsdk.answers.classes import equivalence_classes
    from catsdk.answers.compare import compare_sync, is_same, same
    from catsdk.answers.extract import (
        ANYWHERE,
        BOXED,
        MARKED,
        STATED,
        Extraction,
        Extractor,
        extract_answer,
        gold_answers,
    )
    from catsdk.answers.graders.fields import FieldGrader
    from catsdk.answers.graders.grader import Grader, grade_all
    from catsdk.answers.graders.math_verify import MathVerifyGrader
    from catsdk.answers.graders.mathematics import MathGrader
    from catsdk.answers.graders.plain import (
        ExactMatch,
        JsonEquality,
        MultipleChoice,
        NumericTolerance,
    )
    from catsdk.answers.graders.yours import CodeOutput, FunctionGrader
    from catsdk.answers.options import Options
    from catsdk.answers.verdict import Verdict

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
    "FieldGrader",
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
    "ANYWHERE": "catsdk.answers.extract",
    "Answers": "catsdk.answers.answers",
    "BOXED": "catsdk.answers.extract",
    "CodeOutput": "catsdk.answers.graders.yours",
    "ExactMatch": "catsdk.answers.graders.plain",
    "Extraction": "catsdk.answers.extract",
    "Extractor": "catsdk.answers.extract",
    "FieldGrader": "catsdk.answers.graders.fields",
    "FunctionGrader": "catsdk.answers.graders.yours",
    "Grader": "catsdk.answers.graders.grader",
    "JsonEquality": "catsdk.answers.graders.plain",
    "MARKED": "catsdk.answers.extract",
    "MathGrader": "catsdk.answers.graders.mathematics",
    "MathVerifyGrader": "catsdk.answers.graders.math_verify",
    "MultipleChoice": "catsdk.answers.graders.plain",
    "NumericTolerance": "catsdk.answers.graders.plain",
    "Options": "catsdk.answers.options",
    "STATED": "catsdk.answers.extract",
    "Verdict": "catsdk.answers.verdict",
    "compare_sync": "catsdk.answers.compare",
    "equivalence_classes": "catsdk.answers.classes",
    "extract_answer": "catsdk.answers.extract",
    "gold_answers": "catsdk.answers.extract",
    "grade_all": "catsdk.answers.graders.grader",
    "is_same": "catsdk.answers.compare",
    "same": "catsdk.answers.compare",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
