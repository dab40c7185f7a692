"""Whatever fails, and wherever: no reward is a number without evidence."""

from __future__ import annotations

import json
from collections import Counter

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.core.errors import ConnectionFailedError, RateLimitedError, ServerError, TimedOutError
from catsdk.core.runtime import Runtime
from catsdk.core.types import Completion, Request, Score
from catsdk.middleware.stack import stacked
from catsdk.primitives.judge import Judge
from catsdk.primitives.reward import Reward
from catsdk.rubrics.scoring import Missing, failures_of
from catsdk.testing import FunctionProvider
from tests.primitives.scripted import (
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
    """Ends the verdict on rollout i and criterion k as `table[i][k]` says, each time it is asked."""

    def script(request: Request) -> Completion | str:
        row = int(response_shown(request).rsplit(" ", 1)[1])
        how = table[row][int(criteria_shown(request)[0].rsplit(" ", 1)[1])]
        if how in ERRORS:
            raise ERRORS[how]("it failed")
        if how == "refused":
            return Completion(text="I cannot", finish_reason="content_filter")
        return REPLIES[how]

    return FunctionProvider(script)


async def rewarded(table: list[list[str]], missing: Missing) -> tuple[Score, ...]:
    group = group_of(*(f"the words {row}" for row in range(len(table))))
    rubric = rubric_of(*(f"criterion {at}" for at in range(len(table[0]))))
    judge = Judge(stacked(judged_by(table), runtime=Runtime(max_retries=0)))
    with anyio.fail_after(10):
        return await Reward(judge, missing=missing).reward(group, reference_of(group), rubric)


@settings(max_examples=150, deadline=None)
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
