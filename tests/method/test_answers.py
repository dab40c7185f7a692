"""One object finds and compares final answers, in rollouts, references, votes and rewards alike."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.answers import ExactMatch, FunctionGrader
from catsdk.answers.extract import Extractor
from catsdk.answers.votes import Votes
from catsdk.core.errors import InvalidInputError, SynthesisFailedError
from catsdk.estimators import Adaptive, GenerativeSelfAggregation, Greedy
from catsdk.rewards import ClusterShare, SkipAgreed
from catsdk.sampling import AdaptiveSampler
from catsdk.testing import FunctionProvider

LAST_WORD = Extractor((("last word", lambda text: text.split()[-1]),))


def same_letter(answer: str, reference: str) -> bool:
    return answer[0].lower() == reference[0].lower()


async def same_letter_later(answer: str, reference: str) -> bool:
    await anyio.lowlevel.checkpoint()
    return same_letter(answer, reference)


OWN = cat.Answers(extractor=LAST_WORD, grader=FunctionGrader(same_letter))
LATER = cat.Answers(extractor=LAST_WORD, grader=FunctionGrader(same_letter_later))
WORDS = ["eat an apple", "eat an Apricot", "eat a banana"]


def saying(*texts: str, name: str = "policy") -> FunctionProvider:
    return FunctionProvider(
        lambda request: [texts[at % len(texts)] for at in range(request.n)], name
    )


@pytest.mark.parametrize("answers", [OWN, LATER], ids=["sync", "async"])
async def test_own_answers_reach_every_part_of_a_run(answers: cat.Answers) -> None:
    reward = (
        cat.AnswerReward()
        + 10 * cat.Gold()
        + 100 * ClusterShare()
        + 1000 * cat.AnswerReward(estimator=cat.Majority())
    )
    teacher = saying("# UNIFIED RESPONSE\nbanana then avocado", name="anchor")
    c = cat.CaT(saying(*WORDS), estimator=teacher, reward=reward, answers=answers)
    result = await c.run("q", 3, row={"answer": "a"})
    assert result.group is not None and result.reference is not None
    assert [r.answer for r in result.group.rollouts] == ["apple", "Apricot", "banana"]
    assert {r.answer_rule for r in result.group.rollouts} == {"last word"}
    reference = result.reference
    assert (reference.answer, reference.provenance.settings["answer_rule"]) == (
        "avocado",
        "last word",
    )
    assert (reference.majority, reference.disagrees) == ("apple", False)
    assert reference.agreement == pytest.approx(2 / 3)
    right = 1 + 10 + 200 / 3 + 1000
    assert list(result.rewards) == pytest.approx([right, right, 100 / 3])


async def test_the_default_answers_read_the_same_texts_otherwise() -> None:
    result = await cat.CaT(saying(*WORDS), estimator=cat.Majority()).run("q", 3)
    assert result.group is not None and result.reference is not None
    assert result.reference.majority is None
    assert "apple" not in [rollout.answer for rollout in result.group.rollouts]


class Own:
    """An estimator that writes a text of its own."""

    async def estimate(self, group: cat.Group, ctx: cat.Context) -> cat.Reference:
        return ctx.reference("not banana but avocado")


@pytest.mark.parametrize(
    ("estimator", "answer"),
    [
        (cat.Majority(), "apple"),
        (Adaptive(cat.Majority()), "apple"),
        (cat.Cascade(cat.Majority(), cat.Majority(), 0.6), "apple"),
        (Own(), "avocado"),
        (Greedy(cat.Sampler(saying("an answer: kiwi"))), "kiwi"),
        (GenerativeSelfAggregation(saying("an answer: lemon")), "lemon"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_every_estimator_reads_by_them(estimator: Any, answer: str) -> None:
    result = await cat.CaT(saying(*WORDS), estimator=estimator, answers=OWN).run("q", 3)
    assert result.answer == answer
    if result.reference is not None and len(result.reference.rollouts) == 3:
        assert result.reference.majority == "apple"


async def test_adaptive_drawing_and_filters_vote_by_them() -> None:
    alike = ["an apple", "an Apricot", "an avocado", "an alder", "an ash", "an elm"]
    model = FunctionProvider(lambda request: alike[request.sample_index], "policy")
    c = cat.CaT(
        AdaptiveSampler(cat.Sampler(model)),
        estimator=cat.Majority(),
        reward=SkipAgreed(cat.AnswerReward()),
        answers=OWN,
    )
    result = await c.run("q", 6)
    assert result.group is not None and len(result.group.rollouts) == 4
    assert {score.failure.kind for score in result.scores if score.failure} == {"LeftOut"}


async def test_a_strict_grader_counts_agreement_strictly() -> None:
    halves = saying("\\boxed{1/2}", "\\boxed{0.5}", "\\boxed{1/2}")
    loose = await cat.CaT(halves, estimator=cat.Majority()).run("q", 3)
    strict = cat.Answers(grader=ExactMatch())
    exact = await cat.CaT(halves, estimator=cat.Majority(), answers=strict).run("q", 3)
    assert loose.reference is not None and loose.reference.agreement == 1.0
    assert exact.reference is not None and exact.reference.agreement == pytest.approx(2 / 3)


async def test_a_group_that_was_given_keeps_the_answers_that_were_found_in_it() -> None:
    group = cat.group_of("q", WORDS, answers=OWN)
    c = cat.CaT(saying(), estimator=cat.Majority(), reward=cat.AnswerReward(), answers=OWN)
    assert (await c.run(group)).rewards == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"extractor": lambda text: text},
        {"extractor": Extractor},
        {"grader": lambda one, other: one == other},
        {"grader": cat.Majority()},
        {"grader": ExactMatch},
        {"instruction": 3},
    ],
)
def test_parts_that_cannot_find_or_compare_are_refused_before_anything_is_paid(
    wrong: dict[str, Any],
) -> None:
    (name,) = wrong
    with pytest.raises(InvalidInputError, match=f"{name} is .*; give"):
        cat.Answers(**wrong)


class Says:
    """A grader that gives what no grader may give."""

    def __init__(self, given: object) -> None:
        self.given = given

    async def grade(self, answer: str, reference: str) -> Any:
        return self.given


class Finds(Says):
    """An extractor of that kind."""

    def extract(self, text: str, *, cut: bool = False) -> Any:
        return self.given


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"grader": Says(False)}, "the grader .* gave False; give a Verdict"),
        ({"grader": FunctionGrader(lambda *_: "no")}, "gave 'no'; give True, False"),  # type: ignore[arg-type]
        ({"grader": FunctionGrader(lambda *_: 0.3)}, "gave 0.3; give True, False"),  # type: ignore[arg-type]
        ({"extractor": Finds("4")}, "the extractor .* gave '4'; give an Extraction"),
    ],
)
async def test_an_opinion_that_is_neither_yes_nor_no_never_becomes_a_reward(
    answers: dict[str, Any], told: str
) -> None:
    c = cat.CaT(
        saying("\\boxed{4}", "\\boxed{5}"),
        estimator=cat.Majority(),
        reward=cat.AnswerReward(),
        answers=cat.Answers(**answers),
    )
    with pytest.raises((InvalidInputError, SynthesisFailedError), match=told):
        await c.run("q", 2)


def test_a_prompt_is_asked_for_a_final_answer_once() -> None:
    messages = (
        cat.Message(role="user", content="6*7?"),
        cat.Message(role="assistant", content="4"),
    )
    asked = cat.Answers().asked(messages)
    assert asked[0].text.startswith("6*7?\n\n") and asked[1:] == messages[1:]
    assert cat.Answers().asked(asked) == asked
    assert cat.Answers(instruction=None).asked(messages) == messages
    assert cat.Answers().asked(messages[1:]) == messages[1:]


def test_gold_answers_are_read_by_the_own_extractor_where_it_finds_one() -> None:
    assert OWN.golds("eat an apple") == ("apple",)
    assert OWN.golds(7) == ("7",)
    nothing = cat.Answers(extractor=Extractor((("none", lambda text: None),)))
    assert nothing.golds("so 6 * 12 = 72\n#### 72") == ("72",)


async def test_a_reference_that_no_grader_can_compare_disagrees_with_the_majority() -> None:
    unsure = cat.Answers(extractor=LAST_WORD, grader=FunctionGrader(lambda one, other: None))
    teacher = saying("# UNIFIED RESPONSE\nbanana", name="anchor")
    c = cat.CaT(saying("an apple"), estimator=teacher, answers=unsure)
    result = await c.run("q", 3)
    assert result.reference is not None
    assert (result.reference.majority, result.reference.disagrees) == ("apple", True)


def test_no_answers_are_no_tie() -> None:
    votes = Votes(answers=(None, None), classes=(), abstained=(0, 1))
    assert (votes.tied, votes.leader, votes.majority, votes.share) == (False, None, None, None)
