"""What the laboratory says of a judge: right verdicts, and what its rewards are worth."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

pytest.importorskip("transformers")

from catsdk import Capabilities, CaT
from catsdk.sampling import Sampler
from catsdk.testing import FunctionProvider
from catsdk.types import Request
from catsdk_providers.box.problems import parse, response, solve
from examples.lab.corpus import criteria, verdict
from examples.lab.judging import Judged, agreement, correlation, judged, shuffled, table

RIGHT = response(solve(parse("48213+39478")))
WRONG = RIGHT.replace("c1: 4+3+1=8\n\\boxed{8", "c1: 4+3=7\n\\boxed{7")


def script() -> Callable[[Request], str]:
    """A model that is right once, synthesizes well and judges exactly."""
    solutions = iter([RIGHT, *[WRONG] * 7])

    def reply(request: Request) -> str:
        kind, _, rest = request.messages[-1].text.partition(":\n")
        if kind == "Combine":
            return RIGHT
        if kind == "Criteria":
            return "\n".join(f"- {each}" for each in criteria(rest))
        if kind != "Check":
            return next(solutions)
        shown, _, criterion = rest.rpartition("\n")
        return verdict(shown, criterion)

    return reply


def group(*verdicts: tuple[bool | None, ...]) -> Judged:
    """Two responses of which the first is right and meets both criteria."""
    truths = ((True, True), (True, False))
    return Judged(("shows c1=8", "answers 87691"), (True, False), verdicts, truths)


def about_all(_: str) -> bool:
    return True


async def test_the_oracle_says_what_each_response_shows() -> None:
    model = FunctionProvider(script(), capabilities=Capabilities(prompts="box"))
    async with CaT(Sampler(model, seed=0)) as cat:
        found = await judged(cat, parse("48213+39478"))
    assert found.criteria == tuple(criteria(RIGHT))
    assert found.verdicts == found.oracle
    assert sum(found.right) == 1
    assert {truths[-2:] for truths in found.oracle} == {(True, True), (False, False)}


def test_right_verdicts_are_counted_apart_for_met_and_unmet_criteria() -> None:
    groups = [group((True, True), (False, True)), group((True, None), (True, False))]
    met, unmet = (agreement(groups, about_all, met=met) for met in (True, False))
    assert met is not None
    assert unmet is not None
    assert met.mean == pytest.approx(2 / 3)
    assert unmet.mean == 0.5
    on_answers = agreement(groups, lambda text: "=" not in text, met=True)
    assert on_answers is not None
    assert on_answers.mean == 0.5


def test_shuffling_keeps_how_often_a_criterion_is_met_and_breaks_the_rewards() -> None:
    exact = [group((True, True), (True, False))] * 200
    rng = random.Random(0)
    dealt = [shuffled(each, rng) for each in exact]
    assert {each.verdicts for each in dealt} == {
        ((True, True), (True, False)),
        ((True, False), (True, True)),
    }
    assert correlation(exact, within=True)[0] == pytest.approx(1)
    value, error = correlation(dealt, within=True)
    assert abs(value) < 4 * error < 0.4


def test_within_groups_it_does_not_count_that_one_problem_is_easier() -> None:
    none, all_met = ((False, False), (False, False)), ((True, True), (True, True))
    easy, hard = group(*all_met), group(*none)
    groups = [replace(easy, right=(True, True)), replace(hard, right=(False, False))]
    mixed = [*groups, group((True, True), (True, False)), group((True, False), (True, True))]
    assert correlation(groups, within=False)[0] == pytest.approx(1)
    assert math.isnan(correlation(groups, within=True)[0])
    assert correlation(mixed, within=True)[0] == pytest.approx(0)


def test_a_response_without_all_verdicts_has_no_reward_and_is_reported() -> None:
    groups = [group((True, True), (True, False)), group((True, True), (None, True))]
    assert correlation(groups, within=False)[0] == pytest.approx(1)
    assert "8 verdicts on 2 problems, 1 missing." in table(groups)


def test_rewards_that_are_all_the_same_have_no_correlation() -> None:
    assert math.isnan(correlation([group((True, True), (True, True))], within=False)[0])
