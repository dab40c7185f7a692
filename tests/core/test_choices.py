"""An option that is one of a few words takes no other, wherever it stands."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from catsdk.answers.options import Options
from catsdk.core.errors import InvalidInputError
from catsdk.estimators import Likelihood, Majority, WeightedMajority
from catsdk.estimators.synthesis import Synthesizer
from catsdk.rubrics.judge import Judge
from catsdk.rubrics.kappa import agreement
from catsdk.rubrics.panel import Panel
from catsdk.rubrics.proposer import RubricProposer

WRONG: Any = "fracton"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Options(percent=WRONG), "percent is 'fracton'; give either, fraction or number"),
        (lambda: Options(units=WRONG), "units is 'fracton'; give convert, ignore or strict"),
        (lambda: Majority(tie=WRONG), "tie is 'fracton'; give random, first or abstain"),
        (
            lambda: WeightedMajority(Likelihood(), weight=WRONG),
            "weight is 'fracton'; give raw or exp",
        ),
        (
            lambda: RubricProposer("local", source=WRONG),
            "source is 'fracton'; give reference or question",
        ),
        (
            lambda: RubricProposer("local", route=WRONG),
            "route is 'fracton'; give auto, schema, tool, instructor, json or xml",
        ),
        (
            lambda: Synthesizer("local", show=WRONG),
            "show is 'fracton'; give responses or answers",
        ),
        (
            lambda: Synthesizer("local", overflow=WRONG),
            "overflow is 'fracton'; give subset, answers, summarise or error",
        ),
        (
            lambda: Panel(Judge("local"), rule=WRONG),
            "rule is 'fracton'; give majority or mean",
        ),
        (
            lambda: agreement({"a": [True], "b": [True]}, level=WRONG),
            "level is 'fracton'; give nominal, ordinal or interval",
        ),
    ],
)
def test_a_misspelt_option_is_refused_with_what_there_is(
    make: Callable[[], object], told: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make()
    assert str(caught.value) == told


def test_a_value_that_is_no_text_is_refused_too() -> None:
    none: Any = None
    with pytest.raises(InvalidInputError, match="tie is None; give random, first or abstain"):
        Majority(tie=none)


def test_comparing_answers_does_not_load_pydantic() -> None:
    code = "import sys; from catsdk.answers import is_same; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
