"""No cheat of the grammar counts as the gold answer that it rewrites, nor any unrelated answer."""

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from catsdk.answers.compare import same
from catsdk.answers.engine.symbolic import close_workers
from tests.answers.gaming import cheats_on, scores, units_confused
from tests.answers.metamorphic import broken_properties
from tests.answers.unrelated import accepted, our_golds, same_although_unrelated

GOLDS = our_golds()


@pytest.fixture(autouse=True, scope="module")
def workers() -> Iterator[None]:
    """End the workers after these tests."""
    yield
    close_workers()


@pytest.mark.behaviour("no-cheat-scores")
@pytest.mark.parametrize("seed", range(4))
def test_no_cheat_scores_by_the_bounded_tiers(seed: int) -> None:
    cheats = islice(cheats_on(GOLDS, random.Random(seed)), 1_000)
    assert [cheat for cheat in cheats if scores(cheat)] == []


@pytest.mark.behaviour("no-cheat-scores")
def test_no_cheat_scores_by_the_symbolic_tier() -> None:
    cheats = islice(cheats_on(GOLDS, random.Random(0)), 200)
    assert [cheat for cheat in cheats if scores(cheat, ask=True)] == []


def test_no_number_scores_in_a_unit_of_another_kind() -> None:
    chance = random.Random(0)
    cheats = [units_confused(chance) for _ in range(200)]
    assert [cheat for cheat in cheats if scores(cheat)] == []


def test_answers_of_different_problems_are_not_the_same_unless_that_is_listed() -> None:
    assert list(same_although_unrelated(GOLDS, random.Random(0), asked=40)) == []


def test_each_listed_coincidence_still_is_one() -> None:
    pairs = [sorted(pair) for pair in accepted()]
    assert [pair for pair in pairs if same(pair[0], pair[1]).outcome != "equal"] == []


@pytest.mark.parametrize("seed", range(3))
def test_the_verdict_keeps_under_rewritings_that_keep_the_meaning(seed: int) -> None:
    assert list(broken_properties(GOLDS, random.Random(seed), 150)) == []
