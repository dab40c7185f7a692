"""The reward service scores groups, lets samples meet, stays bounded, and invents no reward."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from weakref import ref

import aiohttp
import anyio
import anyio.abc
import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Provenance
from catsdk.rewards import ClusterShare
from catsdk.testing import FunctionProvider

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.serve.rewards.rendezvous import GroupLimits, Rendezvous, Response, Sample
from catsdk.serve.rewards.server import serving
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.describing import serves_alone
from tests.serve.service import (
    SHARES,
    TEXTS,
    Breaks,
    Columns,
    Waits,
    Watches,
    leave,
    open_groups,
    post,
    sample,
    service,
    together,
    until_open,
)


async def test_a_whole_group_is_rewarded_in_its_order() -> None:
    async with service(ClusterShare()) as url:
        status, told = await post(f"{url}/v1/groups", {"prompt": "q", "responses": TEXTS})
    assert (status, told["cause"]) == (200, None)
    assert told["rewards"] == pytest.approx(SHARES)


async def test_samples_wait_for_their_group_and_each_gets_its_own_reward() -> None:
    async with service(ClusterShare()) as url:
        answers = await together(url, [sample(2), sample(0), sample(1)])
        assert [told["reward"] for _, told in answers] == pytest.approx(
            [SHARES[2], SHARES[0], SHARES[1]]
        )
        again = await post(f"{url}/v1/samples", sample(2))
        assert again[1]["reward"] == pytest.approx(SHARES[2]), (
            "a lost answer can be asked for again"
        )


async def test_a_sample_with_another_known_answer_than_its_group_has_is_refused() -> None:
    async with service(cat.Gold()) as url, anyio.create_task_group() as tasks:
        tasks.start_soon(post, f"{url}/v1/samples", sample(0, size=2, row={"answer": "4"}))
        await until_open(url, 1)
        status, told = await post(f"{url}/v1/samples", sample(1, size=2, row={"answer": "5"}))
        assert status == 422
        assert "known answer '4' in the column 'answer'" in str(told)
        # A sample without a row goes by that of the first one.
        assert (await post(f"{url}/v1/samples", sample(1, size=2)))[0] == 200


async def test_an_id_is_of_its_group_and_samples_without_one_are_never_asked_for_again() -> None:
    async with service(ClusterShare()) as url:
        await together(url, [sample(at) for at in range(3)])
        others = [sample(at, group="h", prompt="r", response="\\boxed{3}") for at in range(3)]
        answers = await together(url, others)
        assert [told["reward"] for _, told in answers] == [1.0, 1.0, 1.0]
        nameless = [{**each, "group": "g", "id": None} for each in others]
        answers = await together(url, nameless)
        assert [told["reward"] for _, told in answers] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("change", [{"size": 2}, {"prompt": "r"}, {"response": "\\boxed{2}"}])
@pytest.mark.parametrize("scored", [True, False])
async def test_an_id_of_another_sample_is_refused(change: Any, scored: bool) -> None:
    async with service(ClusterShare()) as url, anyio.create_task_group() as tasks:
        if scored:
            await together(url, [sample(at) for at in range(3)])
        else:
            tasks.start_soon(post, f"{url}/v1/samples", sample(0))
            await until_open(url, 1)
        status, told = await post(f"{url}/v1/samples", sample(0, **change))
        assert status == 422
        assert (
            "id '0' of group 'g' is a sample of another size, prompt or response" in told["detail"]
        )
        tasks.cancel_scope.cancel()


async def test_the_sample_of_a_killed_trainer_does_not_meet_those_of_its_next_run() -> None:
    async with service(ClusterShare(), limits=GroupLimits(grace=0.1)) as url:
        await leave(url, sample(2, id="of the first run"))
        await until_open(url, 0)
        answers = await together(url, [sample(at) for at in range(3)])
        assert [told["reward"] for _, told in answers] == pytest.approx(SHARES)


async def test_a_client_that_comes_back_in_time_finds_its_place() -> None:
    async with service(ClusterShare(), limits=GroupLimits(grace=30.0)) as url:
        await leave(url, sample(0))
        answers = await together(url, [sample(1), sample(2)])
        assert [told["reward"] for _, told in answers] == pytest.approx(SHARES[1:])
        _, told = await post(f"{url}/v1/samples", sample(0))
        assert told["reward"] == pytest.approx(SHARES[0])


async def test_a_client_that_asks_again_does_not_prolong_the_wait_for_the_others() -> None:
    async with service(ClusterShare(), limits=GroupLimits(patience=0.5)) as url:
        answers: list[Any] = []
        with anyio.fail_after(10):
            while not answers:
                with anyio.move_on_after(0.1):
                    answers.append(await post(f"{url}/v1/samples", sample(0)))
        assert "1 of 3 samples came within 0.5 s" in answers[0][1]["cause"]


async def test_of_a_group_that_was_scored_no_text_is_kept() -> None:
    scorer = Watches()
    async with cat.CaT(reward=scorer) as c, anyio.create_task_group() as tasks:
        rendezvous = Rendezvous(c, tasks, GroupLimits())

        rows: list[ref[Columns]] = []

        async def join(at: int) -> float | None:
            row = Columns(answer="1")
            rows.append(ref(row))
            seat = await rendezvous.join(Sample("g", 2, "q", Response(TEXTS[at]), row, str(at)))
            return seat.reward

        async with anyio.create_task_group() as clients:
            for at in range(2):
                clients.start_soon(join, at)
        gc.collect()
        assert [group() for group in scorer.groups] == [None]
        assert [row() for row in rows] == [None, None]
        assert await join(1) == 1.0
        tasks.cancel_scope.cancel()


PENALISED: Any = {
    "Sum": {
        "rewards": [
            "ClusterShare",
            {"LengthPenalty": {"over": 5}},
            {"TruncationPenalty": {"penalty": -0.5}},
        ]
    }
}
FACTS: dict[str, list[Any]] = {"tokens": [5, 6, 5], "finish_reason": ["stop", "stop", "length"]}
AFTER = [SHARES[0], SHARES[1] - 1.0, SHARES[2] - 0.5]


# Read before any loop runs, as the command does it: what is registered is looked up on disk.
PENALISING = serves_alone(
    CaTConfig(model="any", cat={"reward": {"SkipFlat": {"inner": PENALISED}}})
)


@asynccontextmanager
async def penalising() -> AsyncGenerator[str]:
    with anyio.fail_after(60):
        async with serving(PENALISING, group_size=3) as url:
            yield url


async def test_length_and_truncation_are_penalised_as_the_config_says() -> None:
    async with penalising() as url:
        body = {"prompt": "q", "responses": TEXTS, **FACTS}
        assert (await post(f"{url}/v1/groups", body))[1]["rewards"] == pytest.approx(AFTER)
        alone = [
            sample(at, tokens=FACTS["tokens"][at], finish_reason=FACTS["finish_reason"][at])
            for at in range(3)
        ]
        answers = await together(url, alone)
        assert [told["reward"] for _, told in answers] == pytest.approx(AFTER)


@pytest.mark.parametrize(
    ("left_out", "setting"), [("tokens", "LengthPenalty"), ("finish_reason", "TruncationPenalty")]
)
async def test_a_body_without_what_a_penalty_needs_is_refused(left_out: str, setting: str) -> None:
    async with penalising() as url:
        facts = {name: values for name, values in FACTS.items() if name != left_out}
        told = [await post(f"{url}/v1/groups", {"prompt": "q", "responses": TEXTS, **facts})]
        one = {name: values[0] for name, values in facts.items()}
        told += [await post(f"{url}/v1/samples", sample(0, **one))]
        body = {"query": ["qx"], "prompts": ["q"], "labels": ["1"]}
        told += [await post(f"{url}/openrlhf", body)]
    assert [status for status, _ in told] == [422, 422, 422]
    assert all(left_out in each["detail"] and setting in each["detail"] for _, each in told)
    assert "OpenRLHF does not send" in told[2][1]["detail"]


@pytest.mark.behaviour("trainer-gets-none")
async def test_a_group_that_stays_incomplete_has_no_reward_and_says_how_many_came() -> None:
    async with service(ClusterShare(), limits=GroupLimits(patience=0.2)) as url:
        answers = await together(url, [sample(0), sample(1)])
        assert [told["reward"] for _, told in answers] == [None, None]
        assert all("2 of 3 samples came within 0.2 s" in told["cause"] for _, told in answers)
        whole = await together(url, [sample(at, id=None) for at in range(3)])
        assert [told["reward"] for _, told in whole] == pytest.approx(SHARES)


async def test_over_the_limit_of_open_groups_a_client_is_told_to_come_again() -> None:
    scorer = Waits()
    async with service(scorer, limits=GroupLimits(groups=1)) as url:
        body = {"prompt": "q", "responses": TEXTS}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, f"{url}/v1/groups", body)
            await scorer.began.wait()
            assert (await post(f"{url}/v1/groups", body))[0] == 429
            assert (await post(f"{url}/v1/samples", sample(0)))[0] == 429
            scorer.go.set()
        assert (await post(f"{url}/v1/groups", body))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("groups", {"prompt": "q", "responses": ["x" * 11]}, "over the limit of 10"),
        ("groups", {"prompt": "", "responses": ["x"]}, "prompt is ''"),
        ("groups", {"prompt": "q", "responses": [1]}, "'1' is not a text"),
        ("groups", {"prompt": "q", "responses": []}, "group of 0 samples"),
        ("groups", {"responses": ["x"]}, "'prompt'"),
        ("groups", {"prompt": "q" * 11, "responses": ["x"]}, "a prompt has 11 characters"),
        ("groups", {"prompt": "q", "responses": ["x"], "row": {"a": "b" * 9}}, "a row has 18"),
        ("groups", {"prompt": "q", "responses": ["x"], "row": [1]}, "the row is [1]"),
        ("groups", {"prompt": "q", "responses": "xy"}, "responses is 'xy'; give a list"),
        ("groups", {"prompt": "q", "responses": ["x"], "tokens": [1, 2]}, "tokens has 2 entries"),
        ("groups", {"prompt": "q", "responses": ["x"], "tokens": ["1"]}, "tokens is '1'"),
        ("samples", sample(0, response="x", size=5), "group of 5 samples"),
        ("samples", sample(0, size="three"), "size is 'three'; give a whole number"),
        ("samples", sample(0, size=2.5), "size is 2.5"),
        ("samples", sample(0, id=""), "the id is ''; give a text that is not empty"),
        ("samples", sample(0, id=5), "the id is 5"),
        ("samples", sample(0, group=None), "group is None; give a name"),
        ("samples", sample(0, prompt="q" * 11), "a prompt has 11 characters"),
        ("samples", sample(0, row={"a": "b" * 9}), "a row has 18 characters"),
        ("samples", sample(0, finish_reason="stopped"), "finish_reason is 'stopped'"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(path: str, body: Any, told: str) -> None:
    async with service(ClusterShare(), limits=GroupLimits(characters=10, samples=4)) as url:
        status, answer = await post(f"{url}/v1/{path}", body)
        assert await open_groups(url) == 0
    assert status == 422
    assert told in answer["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "not a JSON object"),
        (b'{"group": "\xe9"}', "cannot be read as JSON"),
        (b"[" * 200_000, "cannot be read as JSON"),
    ],
)
async def test_a_body_that_is_no_object_is_refused(body: Any, told: str) -> None:
    async with service(ClusterShare()) as url:
        status, answer = await post(f"{url}/v1/samples", body)
    assert status == 400
    assert told in answer["detail"]


async def test_samples_whose_group_is_not_whole_at_the_end_are_told_so() -> None:
    answers: list[tuple[int, Any]] = []

    async def ask(url: str) -> None:
        answers.append(await post(f"{url}/v1/samples", sample(0)))

    with anyio.fail_after(20):
        async with (
            anyio.create_task_group() as tasks,
            serving(cat.CaT(reward=ClusterShare()), drain=10) as url,
        ):
            tasks.start_soon(ask, url)
            await until_open(url, 1)
    ((status, told),) = answers
    assert (status, told["reward"]) == (200, None)
    assert "1 of 3 samples came before the service ended" in told["cause"]


async def test_a_body_over_the_limit_is_not_read() -> None:
    async with (
        service(ClusterShare(), limits=GroupLimits(body=1024)) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/groups", json={"prompt": "x" * 5000}) as response,
    ):
        assert response.status == 413


async def test_without_the_token_nobody_is_served() -> None:
    async with service(ClusterShare(), token="secret") as url:
        body = {"prompt": "q", "responses": TEXTS}
        assert (await post(f"{url}/v1/groups", body))[0] == 401
        assert (await post(f"{url}/v1/groups", body, "wrong"))[0] == 401
        assert (await post(f"{url}/v1/groups", body, "secret"))[0] == 200


@pytest.mark.parametrize("token", [None, ""])
async def test_it_does_not_listen_to_other_machines_without_a_token(token: str | None) -> None:
    with pytest.raises(InvalidInputError, match="CATSDK_REWARD_TOKEN"):
        async with service(ClusterShare(), host="0.0.0.0", token=token):
            pass


async def test_a_token_that_is_no_text_is_a_wrong_one() -> None:
    async with service(ClusterShare(), token="secret") as url:
        port = int(url.rpartition(":")[2])
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(
                b"GET /health HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n"
            )
            assert (await stream.receive()).startswith(b"HTTP/1.1 401")


async def test_a_defect_of_a_scorer_costs_its_group_and_not_the_service() -> None:
    async with service(Breaks()) as url:
        status, told = await post(f"{url}/v1/groups", {"prompt": "q", "responses": TEXTS})
        assert (status, told["rewards"]) == (200, [None] * 3)
        assert told["cause"] == "ZeroDivisionError: a defect"


async def test_the_cat_of_a_training_serves_with_its_own_answers_and_judges() -> None:
    judge = FunctionProvider(lambda request: "no" if "{2}" in request.messages[-1].text else "yes")
    criterion = cat.Criterion(id="a", text="it says one")
    rubric = cat.Rubric(criteria=(criterion,), provenance=Provenance(method="test"))
    by_rubric = cat.RubricReward(judge=cat.Panel(judge, judge), rubric=rubric)
    reward = by_rubric + 0.5 * cat.LengthPenalty(5)
    async with service(reward) as url:
        body = {"prompt": "q", "responses": TEXTS, "tokens": [5, 6, 5]}
        _, told = await post(f"{url}/v1/groups", body)
    assert told["rewards"] == [1.0, 0.5, 0.0]


async def test_known_answers_of_a_row_are_read_like_responses_and_may_be_several() -> None:
    async with service(cat.Gold()) as url:
        for answer in ("2 - 1 = 1\n#### 1", ["7", "\\boxed{1}"]):
            body = {"prompt": "q", "responses": TEXTS, "row": {"answer": answer}}
            assert (await post(f"{url}/v1/groups", body))[1]["rewards"] == [1.0, 1.0, 0.0]
