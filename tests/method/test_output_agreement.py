"""Outputs agree, earn and are known field by field; what cannot be told is neither yes nor no."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, SecretStr

import catsdk as cat
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.items import item_of
from catsdk.runtime import Output
from tests.method.outputs import CAIRO, GIZA, PROSE, City, model


async def test_agreement_and_rewards_compare_the_fields() -> None:
    rollouts = [
        '{"people": 10, "name": "cairo"}',
        '```json\n{"name": "Cairo", "people": 1e1}\n```',
        '{"name": "Cairo"}',
        PROSE,
    ]
    c = cat.CaT(model(rollouts), reward=cat.AnswerReward(), output=City)
    result = await c.run("Which city?", 4)
    assert result.reference is not None
    assert result.reference.agreement == 2 / 3
    assert result.reference.disagrees is False
    assert result.rewards == (1.0, 1.0, 0.0, 0.0)


async def test_what_cannot_be_told_is_no_agreement_and_no_reward() -> None:
    rollouts = ['{"name": "New York"}', '{"name": "New York City"}']
    anchor = [json.dumps({"summary": "", "response": {"name": "New York"}})]
    c = cat.CaT(model(rollouts, anchor), reward=cat.AnswerReward(), output=City)
    result = await c.run("Which city?", 2)
    assert result.rewards == (1.0, None)
    assert result.scores[1].failure is not None
    assert result.scores[1].failure.kind == "UnknownVerdict"
    assert result.reference is not None and result.reference.majority is None


async def test_a_reference_that_cannot_be_told_from_the_majority_does_not_disagree() -> None:
    rollouts = ['{"name": "New York"}', '{"name": "new york"}']
    anchor = [json.dumps({"summary": "", "response": {"name": "New York City"}})]
    result = await cat.CaT(model(rollouts, anchor), output=City).run("Which city?", 2)
    assert result.reference is not None
    assert (result.reference.agreement, result.reference.disagrees) == (1.0, None)


async def test_a_group_that_is_rewarded_alone_is_read_in_the_form_of_the_cat() -> None:
    c = cat.CaT(model([]), estimator=cat.Majority(), reward=cat.AnswerReward(), output=City)
    reference = (await c.run(cat.group_of("Which city?", [CAIRO]))).reference
    scores = await c.reward(
        cat.group_of("Which city?", ['{"name": "cairo", "people": 10}']), reference
    )
    assert [score.value for score in scores] == [1.0]


@pytest.mark.allow_blocking  # numpy is loaded here
async def test_an_evaluation_of_a_cat_compares_its_outputs() -> None:
    pytest.importorskip("numpy")
    known = json.loads(CAIRO)
    policy = model(['{"people": 10, "name": "cairo"}', CAIRO, PROSE, GIZA])
    c = cat.CaT(policy, estimator=cat.Majority(), output=City)
    items = [item_of(f"Which city? {at}", json.dumps(known)) for at in range(2)]
    evaluation = Evaluation.of(c, names=("majority",), sweep=Sweep(sizes=(4,), draws=1))
    _, seen = await evaluation.run(items, title="t", data="d")
    observed = [row for each in seen for row in each.observations]
    assert len(observed) >= 2
    assert [row.score for row in observed] == [1.0] * len(observed)


async def test_a_known_output_is_read_as_a_rollout_is() -> None:
    c = cat.CaT(model(['{"name": "cairo", "people": 10}', GIZA]), reward=cat.Gold(), output=City)
    for known in (CAIRO, json.loads(CAIRO), [GIZA.replace("4", "5"), json.loads(CAIRO)]):
        result = await c.run("Which city?", 2, row={"answer": known})
        assert result.rewards == (1.0, 0.0)


async def test_only_the_fields_that_count_are_compared() -> None:
    class Reasoned(BaseModel):
        why: str
        name: str

    rollouts = [json.dumps({"why": f"reason {at}", "name": "Cairo"}) for at in range(3)]
    whole = await cat.CaT(model(rollouts), estimator=cat.Majority(), output=Reasoned).run(
        "Which city?", 3
    )
    some = await cat.CaT(
        model(rollouts), estimator=cat.Majority(), output=Output(Reasoned, compare=["name"])
    ).run("Which city?", 3)
    assert whole.reference is not None and whole.reference.agreement == 1 / 3
    assert some.reference is not None and some.reference.agreement == 1.0
    assert some.output is not None and some.output.why == "reason 0"


async def test_two_spellings_of_one_value_of_the_class_agree_and_hidden_values_are_not_lost() -> (
    None
):
    class Key(BaseModel):
        secret: SecretStr
        level: Literal[1, 2] = 1

    rollouts = ['{"secret": "a"}', '{"secret": "b"}', '{"secret": "b", "level": 1}']
    result = await cat.CaT(model(rollouts), estimator=cat.Majority(), output=Key).run(
        "Which city?", 3
    )
    assert result.reference is not None
    # As it is printed, every secret is the same: it is not compared so.
    assert result.reference.agreement == 1 / 3
    defaults = ['{"name": "Cairo"}', '{"name": "Cairo", "people": null}']
    result = await cat.CaT(model(defaults), estimator=cat.Majority(), output=City).run(
        "Which city?", 2
    )
    assert result.reference is not None and result.reference.agreement == 1.0


def test_a_set_is_written_in_the_same_order_in_every_process() -> None:
    class Tagged(BaseModel):
        tags: set[str]
        groups: dict[str, list[frozenset[str]]] = {}

    tags = [chr(ord("a") + at) for at in range(20)]
    data: dict[str, Any] = {"tags": tags[::-1], "groups": {"x": [tags[::-1]]}}
    answer = Output(Tagged).written(data).answer
    assert json.loads(answer) == {"tags": tags, "groups": {"x": [tags]}}


async def test_a_group_of_before_is_read_in_the_new_form() -> None:
    group = cat.group_of("Which city?", [PROSE, CAIRO, CAIRO])
    assert group.rollouts[1].answer != CAIRO
    result = await cat.CaT(model([]), estimator=cat.Majority()).run(group, output=City)
    assert result.output == City(name="Cairo", people=10)
    assert result.group is not None
    assert [rollout.answer for rollout in result.group.rollouts] == [None, CAIRO, CAIRO]
