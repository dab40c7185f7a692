"""What the policy was sure of at first is remembered over starts, and compared without labels."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from anyio import to_thread

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

import catsdk as cat
from catsdk.answers.votes import Votes
from catsdk.core.types import Group
from catsdk.testing import FunctionProvider
from catsdk_trainers.data.first_answers import FEWEST, FirstAnswers, forget_first_answers
from catsdk_trainers.trl.examining import Examiner


def group_of(question: int, answers: str) -> Group:
    return cat.group_of(f"question {question}", [f"\\boxed{{{each}}}" for each in answers])


async def votes_of(group: Group) -> Votes:
    return await cat.Answers().votes([rollout.answer for rollout in group.rollouts])


async def first_seen(first: FirstAnswers, answers: list[str]) -> list[str | None]:
    groups = [group_of(at, each) for at, each in enumerate(answers)]
    votes = [await votes_of(group) for group in groups]
    pairs = zip(groups, votes, strict=True)
    return await to_thread.run_sync(lambda: [first.of(g.question, v, 4) for g, v in pairs])


def tear_last_line(folder: Path) -> None:
    (file,) = folder.glob("*/rank-0.jsonl")
    with file.open("a", encoding="utf-8") as lines:
        lines.write('["question 99", "tor')


SURE = ["1112"] * FEWEST


async def test_only_what_the_policy_was_sure_of_is_compared_with(tmp_path: Path) -> None:
    first = FirstAnswers(tmp_path)
    assert await first_seen(first, [*SURE, "1122", "1234"]) == [None] * (FEWEST + 2)
    assert await first_seen(first, ["2222"] * (FEWEST + 2)) == ["1"] * FEWEST + [None, None]


async def test_of_fewer_questions_nothing_is_said(tmp_path: Path) -> None:
    first = FirstAnswers(tmp_path)
    await first_seen(first, SURE[1:])
    assert await first_seen(first, SURE[1:]) == [None] * (FEWEST - 1)


async def test_another_start_and_another_process_go_on_with_what_the_first_kept(
    tmp_path: Path,
) -> None:
    before = FirstAnswers(tmp_path)
    await first_seen(before, SURE)
    await to_thread.run_sync(tear_last_line, tmp_path)
    later = pickle.loads(pickle.dumps(before))
    assert await first_seen(later, ["3333"] * FEWEST) == ["1"] * FEWEST
    await to_thread.run_sync(forget_first_answers, tmp_path)
    assert await first_seen(FirstAnswers(tmp_path), ["3333"] * FEWEST) == [None] * FEWEST


@pytest.mark.parametrize("row", [{}, {"answer": "7"}], ids=["no label", "label"])
async def test_an_evaluation_says_what_was_kept_and_reads_no_label_for_it(
    row: dict[str, str],
) -> None:
    examiner = Examiner(first=FirstAnswers())
    teacher = FunctionProvider(lambda _: "\\boxed{1}")

    async def kept(answers: list[str]) -> list[float | None]:
        async with cat.CaT(estimator=teacher, reward=cat.AnswerReward()) as c:
            groups = [group_of(at, each) for at, each in enumerate(answers)]
            scored = [await examiner.examine(c, group, row) for group in groups]
        return [each.measures.get("kept") for each in scored]

    assert await kept(SURE) == [None] * FEWEST
    # The same in other words, another one, a tie.
    assert (await kept(["1" * 4, "2222", "1122", *SURE[3:]]))[:3] == [1.0, 0.0, 0.0]
