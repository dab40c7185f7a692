"""No completion that takes back, denies or only contains a value has that value as its answer."""

import random
from itertools import islice

import pytest

from tests.answers.extract.withdrawing import scores, withdrawn


@pytest.mark.parametrize("seed", range(3))
def test_no_value_that_is_withdrawn_scores(seed: int) -> None:
    cheats = islice(withdrawn(random.Random(seed)), 2_000)
    assert [cheat for cheat in cheats if scores(cheat)] == []
