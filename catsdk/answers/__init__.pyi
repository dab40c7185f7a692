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
)
from catsdk.answers.extract.golds import gold_answers
from catsdk.answers.graders.fields import FieldGrader
from catsdk.answers.graders.functions import CodeOutput, FunctionGrader
from catsdk.answers.graders.grader import Grader, grade_all
from catsdk.answers.graders.math_verify import MathVerifyGrader
from catsdk.answers.graders.mathematics import MathGrader
from catsdk.answers.graders.plain import (
    ExactMatch,
    JsonEquality,
    MultipleChoice,
    NumericTolerance,
)
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
