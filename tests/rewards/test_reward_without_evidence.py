"""Whatever fails, and wherever: no reward is a number without evidence."""

from __future__ import annotations

import json
from collections import Counter

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.core.errors import ConnectionFailedError, RateLimitedError, ServerError, TimedOutError
from catsdk.core.sending import Retry
from catsdk.core.types import Completion, Group, Request, Score
from catsdk.rewards.equivalent import EquivalenceReward
from catsdk.rewards.graded import GradedReward
from catsdk.rewards.reward import Reward
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.judge import Judge, Judging
from catsdk.rubrics.panel import Panel
from catsdk.rubrics.scoring import Missing, failures_of
from catsdk.runtime.client import Client
from catsdk.runtime.context import context_of
from catsdk.testing import FunctionProvider
from tests.rubrics.scripted import (
    criteria_shown,
    group_of,
    reference_of,
    response_shown,
    rubric_of,
    said,
)

ANSWERED = {"yes": True, "yes, unquoted": True, "no": False}
FAILS = {
    "cannot tell": "CannotTell",
    "malformed": "StructuredOutputError",
    "empty": "StructuredOutputError",
    "two answers": "StructuredOutputError",
    "misquoted": "EvidenceNotFoundError",
    "refused": "ContentFilteredError",
    "timeout": "TimedOutError",
    "rate limited": "RateLimitedError",
    "broken": "ServerError",
    "dropped": "ConnectionFailedError",
}
ERRORS = {
    "timeout": TimedOutError,
    "rate limited": RateLimitedError,
    "broken": ServerError,
    "dropped": ConnectionFailedError,
}
REPLIES = {
    "yes": json.dumps(said(True, "the words")),
    "yes, unquoted": json.dumps(said(True)),
    "no": json.dumps(said(False)),
    "cannot tell": json.dumps(said(None)),
    "malformed": "I would say yes",
    "empty": "",
    "two answers": json.dumps(said(True)) + json.dumps(said(False)),
    "misquoted": json.dumps(said(True, "other words")),
}
HOW = st.sampled_from([*ANSWERED, *ANSWERED, *FAILS])
POLICY = st.sampled_from([Missing(), Missing(then="mean", at_least=0.5)])
TABLES = st.integers(1, 4).flatmap(
    lambda k: st.lists(st.lists(HOW, min_size=k, max_size=k), min_size=1, max_size=4)
)


def judged_by(table: list[list[str]]) -> FunctionProvider:
    """Ends the verdict on rollout i and criterion k as `table[i][k]` says, whenever asked."""

    def script(request: Request) -> Completion | str:
        row = int(response_shown(request).rsplit(" ", 1)[1])
        return ended(table[row][int(criteria_shown(request)[0].rsplit(" ", 1)[1])])

    return FunctionProvider(script)


async def rewarded(table: list[list[str]], missing: Missing) -> tuple[Score, ...]:
    group = group_of(*(f"the words {row}" for row in range(len(table))))
    rubric = rubric_of(*(f"criterion {at}" for at in range(len(table[0]))))
    reward = RubricReward(judge=judged_by(table), rubric=rubric, missing=missing)
    return await once(reward, group)


async def once(reward: Reward, group: Group) -> tuple[Score, ...]:
    """The scores, where no call is retried."""
    with anyio.fail_after(20):
        async with context_of(Client(retry=Retry(times=0))) as ctx:
            return await reward.reward(group, reference_of(group), ctx)


@pytest.mark.behaviour("no-evidence-no-reward")
@settings(max_examples=150)
@given(TABLES, POLICY)
def test_a_score_is_the_share_of_verdicts_that_are_there_or_none(
    table: list[list[str]], missing: Missing
) -> None:
    scores = anyio.run(rewarded, table, missing)
    assert len(scores) == len(table)
    for row, score in zip(table, scores, strict=True):
        there = [ANSWERED[how] for how in row if how in ANSWERED]
        coverage = len(there) / len(row)
        enough = coverage == 1 or (missing.then == "mean" and coverage >= missing.at_least)
        assert score.value == (sum(there) / len(there) if enough and there else None)
        assert score.coverage == coverage
        assert (score.value is None) == (score.failure is not None)
        for verdict in score.verdicts:
            assert (verdict.met is None) == (verdict.failure is not None)
            assert verdict.quoted is (True if verdict.met and verdict.evidence else None)
    expected = Counter(FAILS[how] for row in table for how in row if how in FAILS)
    assert failures_of(scores) == expected


# --- all criteria in one call ---

# What fails a whole call, and what fails one criterion of it.
WHOLE = [how for how in FAILS if how not in {"cannot tell", "misquoted"}]
ONE = st.sampled_from([*ANSWERED, *ANSWERED, "cannot tell", "misquoted", "left out"])
BATCHES = st.integers(1, 4).flatmap(
    lambda k: st.lists(
        st.one_of(st.sampled_from(WHOLE), st.lists(ONE, min_size=k, max_size=k)),
        min_size=1,
        max_size=4,
    ).map(lambda rows: (k, rows))
)


def batched(rows: list[str | list[str]]) -> FunctionProvider:
    """Answers for all criteria of rollout i at once as `rows[i]` says."""

    def script(request: Request) -> Completion | str:
        row = rows[int(response_shown(request).rsplit(" ", 1)[1])]
        if isinstance(row, str):
            return ended(row)
        named = [text.split("\n", 1)[0].removeprefix("id: ") for text in criteria_shown(request)]
        told = [(name, row[int(name[1:]) - 1]) for name in named]
        verdicts = [{"id": n, **json.loads(REPLIES[how])} for n, how in told if how != "left out"]
        return json.dumps({"verdicts": verdicts})

    return FunctionProvider(script)


async def rewarded_by_batches(
    k: int, rows: list[str | list[str]], missing: Missing
) -> tuple[Score, ...]:
    group = group_of(*(f"the words {row}" for row in range(len(rows))))
    rubric = rubric_of(*(f"criterion {at}" for at in range(k)))
    judge = Judge(batched(rows), judging=Judging(mode="all"))
    return await once(RubricReward(judge=judge, rubric=rubric, missing=missing), group)


@pytest.mark.behaviour("no-evidence-no-reward")
@settings(max_examples=100)
@given(BATCHES, POLICY)
def test_a_score_of_a_batch_is_the_share_of_verdicts_that_are_there_or_none(
    batch: tuple[int, list[str | list[str]]], missing: Missing
) -> None:
    k, rows = batch
    for row, score in zip(rows, anyio.run(rewarded_by_batches, k, rows, missing), strict=True):
        each = [row] * k if isinstance(row, str) else row
        there = [ANSWERED[how] for how in each if how in ANSWERED]
        enough = len(there) == k or (missing.then == "mean" and len(there) / k >= missing.at_least)
        assert score.value == (sum(there) / len(there) if enough and there else None)
        for how, verdict in zip(each, score.verdicts, strict=True):
            assert verdict.met is ANSWERED.get(how)
            kind = verdict.failure.kind if verdict.failure else None
            left_out = {"MissingVerdict", "StructuredOutputError"}
            assert kind in left_out if how == "left out" else kind == FAILS.get(how)


# --- panels, grades, meaning, sums ---


def ended(how: str, replies: dict[str, str] | None = None) -> Completion | str:
    if how in ERRORS:
        raise ERRORS[how]("it failed")
    if how == "refused":
        return Completion(text="I cannot", finish_reason="content_filter")
    return (replies or REPLIES)[how]


def one_of(ends: list[str], replies: dict[str, str] | None = None) -> FunctionProvider:
    """Ends a call about the response that ends in i as `ends[i]` says."""

    def script(request: Request) -> Completion | str:
        shown = "".join(message.text for message in request.messages)
        at = next(at for at in range(len(ends)) if f"the words {at}\n" in shown)
        return ended(ends[at], replies)

    return FunctionProvider(script)


GRADES = REPLIES | {
    "yes": json.dumps({"evidence": "the words", "reason": "", "grade": 10}),
    "yes, unquoted": json.dumps({"evidence": "", "reason": "", "grade": 10}),
    "no": json.dumps({"evidence": "", "reason": "", "grade": 0}),
    "misquoted": json.dumps({"evidence": "other words", "reason": "", "grade": 10}),
}
VOTES = st.integers(1, 3).flatmap(
    lambda n: st.lists(st.lists(HOW, min_size=3, max_size=3), min_size=n, max_size=n)
)


async def rewarded_by_all(votes: list[list[str]]) -> dict[str, tuple[Score, ...]]:
    group = group_of(*(f"the words {row}" for row in range(len(votes))))
    rubric = rubric_of("criterion 0")
    models = [one_of(list(ends)) for ends in zip(*votes, strict=True)]
    grader = one_of([row[0] for row in votes], GRADES)
    rewards: dict[str, Reward] = {
        "panel": RubricReward(judge=Panel(*models), rubric=rubric),
        "grade": GradedReward(grader, rubric=rubric),
        "meaning": EquivalenceReward(models[0]),
        "sum": RubricReward(judge=models[0], rubric=rubric) + 2 * EquivalenceReward(models[1]),
    }
    return {name: await once(reward, group) for name, reward in rewards.items()}


@pytest.mark.behaviour("no-evidence-no-reward")
@settings(max_examples=80)
@given(VOTES)
def test_no_other_reward_is_a_number_without_evidence(votes: list[list[str]]) -> None:
    found = anyio.run(rewarded_by_all, votes)
    for at, row in enumerate(votes):
        cast = [ANSWERED[how] for how in row if how in ANSWERED]
        yes = sum(cast)
        decided = len(cast) >= 2 and yes * 2 != len(cast)
        assert found["panel"][at].value == (float(yes * 2 > len(cast)) if decided else None)
        # Meaning is not shown by a quote, so there a quote is neither wanted nor checked.
        means = [(ANSWERED | {"misquoted": True}).get(how) for how in row]
        first = ANSWERED.get(row[0])
        assert found["grade"][at].value == (None if first is None else float(first))
        assert found["meaning"][at].value == (None if means[0] is None else float(means[0]))
        known = first is not None and means[1] is not None
        assert found["sum"][at].value == (first + 2 * means[1] if known else None)  # type: ignore[operator]
        for scores in found.values():
            assert (scores[at].value is None) == (scores[at].failure is not None)
