"""Labels from a second view of the question are what the papers' formulas give."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import (
    InvalidInputError,
    NoEvidenceError,
    RequestRefusedError,
    StructuredOutputError,
)
from catsdk.core.types import Completion, Group, ImagePart, Message, Request, TextPart
from catsdk.estimators import Harmony, Majority, OtherView, Paraphraser
from catsdk.testing import FunctionProvider
from tests.estimators.groups import answers

REWRITES = FunctionProvider(lambda _: "  which one, in other words?\n")


def solver(letters: str) -> FunctionProvider:
    """Answers the first request with these, one a rollout."""
    return FunctionProvider(lambda _: ["?" if c == "-" else f"\\boxed{{{c}}}" for c in letters])


async def test_the_label_is_the_answer_of_the_largest_harmonic_mean_over_both_phrasings() -> None:
    # f: a 4/8, b 3/8, c 1/8; f': a 1/8, b 2/8, c 5/8.
    # 2ff'/(f+f'): a 2*4*1/(8*5) = 0.2, b 2*3*2/(8*5) = 0.3, c 2*1*5/(8*6) = 0.2083...
    harmony = Harmony(cat.Sampler(solver("cccccbba")), Paraphraser(REWRITES))
    reference = await harmony.estimate(answers("aaaabbbc"))
    settings = reference.provenance.settings
    scores = {answer: (a, b, score) for answer, a, b, score in settings["votes"]}  # type: ignore[union-attr,misc,str-unpack]
    assert reference.answer == "b"
    assert scores == {
        "a": (4, 1, pytest.approx(0.2)),
        "b": (3, 2, pytest.approx(0.3)),
        "c": (1, 5, pytest.approx(10 / 48)),
    }
    assert settings["paraphrase"] == "which one, in other words?"
    assert (reference.majority, reference.disagrees) == ("a", True)


async def test_rollouts_without_an_answer_count_in_the_shares() -> None:
    # f(a) = 1/4, f'(a) = 4/4: 2/5. f(b) = 2/4, f'(b) = 0.
    harmony = Harmony(cat.Sampler(solver("aaaa")), Paraphraser(REWRITES))
    reference = await harmony.estimate(answers("a-bb"))
    votes = reference.provenance.settings["votes"]
    assert (reference.answer, votes) == ("a", [["a", 1, 4, pytest.approx(0.4)], ["b", 2, 0, 0.0]])


@pytest.mark.parametrize(
    "estimator",
    [
        Harmony(cat.Sampler(solver("cc")), Paraphraser(REWRITES)),
        Majority(tie="abstain"),
        OtherView(Majority(tie="abstain"), cat.Sampler(solver("cb"))),
    ],
)
async def test_an_estimator_that_abstains_leaves_the_group_out(estimator: Any) -> None:
    group = answers("ab")
    assert (await estimator.estimate(group)).answer is None
    scores = await cat.AnswerReward(estimator=estimator).reward(group)
    assert [(s.value, s.failure and s.failure.kind) for s in scores] == [(None, "LeftOut")] * 2


@pytest.mark.parametrize(
    "estimator",
    [
        OtherView(Majority(), cat.Sampler(solver("--"))),
        Harmony(cat.Sampler(solver("--")), Paraphraser(REWRITES)),
    ],
)
async def test_a_view_without_any_answer_is_a_failure_and_nothing_left_out(estimator: Any) -> None:
    scores = await cat.AnswerReward(estimator=estimator).reward(answers("ab"))
    assert {s.failure and s.failure.kind for s in scores} == {"NoReferenceAnswer"}


async def test_equal_harmonic_means_are_a_tie_that_the_seed_settles() -> None:
    # Thirds: 2/3 and 1/3 in one view, 1/3 and 2/3 in the other.
    group, found = answers("aab"), set[str | None]()
    for seed in range(8):
        harmony = Harmony(cat.Sampler(solver("abb")), Paraphraser(REWRITES), seed=seed)
        reference = await harmony.estimate(group)
        assert reference.provenance.settings["tied"] is True
        found.add(reference.answer)
    assert found == {"a", "b"}


async def test_the_paraphrase_and_the_second_group_are_paid_for_in_the_reference() -> None:
    policy = solver("bbb")
    reference = await Harmony(cat.Sampler(policy), Paraphraser(REWRITES)).estimate(answers("aab"))
    assert [call.usage.requests for call in reference.calls] == [1, 1]
    asked = policy.requests[0]
    assert (asked.n, asked.messages[-1].text) == (3, "which one, in other words?")
    assert asked.sample_index == 3


async def test_co_rewarding_one_labels_by_the_majority_over_the_paraphrases_rollouts() -> None:
    estimator = OtherView(Majority(), cat.Sampler(solver("bba")), Paraphraser(REWRITES), n=3)
    reference = await estimator.estimate(answers("aaab"))
    settings = reference.provenance.settings
    assert (reference.answer, reference.majority) == ("b", "a")
    assert settings["votes"] == [["b", 2], ["a", 1]]
    assert (settings["estimator"], settings["paraphrase"]) == (
        "majority",
        "which one, in other words?",
    )
    values = [s.value for s in await cat.AnswerReward(estimator=estimator).reward(answers("aaab"))]
    assert values == [0.0, 0.0, 0.0, 1.0]


async def test_co_rewarding_two_labels_by_the_majority_over_a_teachers_samples() -> None:
    teacher = solver("ccb")
    reference = await OtherView(Majority(), cat.Sampler(teacher), n=3).estimate(answers("aaaab"))
    assert reference.answer == "c"
    assert "paraphrase" not in reference.provenance.settings
    assert (teacher.requests[0].n, teacher.requests[0].messages[-1].text) == (3, "which?")
    assert len(reference.calls) == 1
    assert len(reference.rollouts) == 5


async def test_a_second_group_of_the_same_words_and_model_has_samples_of_its_own() -> None:
    def sampled(request: Request) -> list[str]:
        places = range(request.sample_index, request.sample_index + request.n)
        return [f"\\boxed{{{at}}}" for at in places]

    policy = FunctionProvider(sampled)
    c = cat.CaT(policy, reward=cat.AnswerReward(estimator=OtherView(Majority("first"))))
    result = await c.run("which?", n=2)
    assert [rollout.answer for rollout in result.group.rollouts] == ["0", "1"]  # type: ignore[union-attr]
    assert [request.sample_index for request in policy.requests] == [0, 2]
    assert result.rewards == (0.0, 0.0)
    assert result.usage.requests == 2


async def fails(request: Request) -> str:
    raise RequestRefusedError("filtered")


@pytest.mark.parametrize(
    ("rewrites", "solves", "kind"),
    [
        (FunctionProvider(fails), solver("ab"), "RequestRefusedError"),
        (FunctionProvider(lambda _: " \n"), solver("ab"), "StructuredOutputError"),
        (
            FunctionProvider(lambda _: Completion(text="which", finish_reason="length")),
            solver("ab"),
            "StructuredOutputError",
        ),
        (REWRITES, FunctionProvider(fails), "NoEvidenceError"),
    ],
)
@pytest.mark.parametrize("kind_of", ["harmony", "other"])
async def test_a_model_that_fails_is_no_reward_with_its_cause(
    rewrites: FunctionProvider, solves: FunctionProvider, kind: str, kind_of: str
) -> None:
    sampler, paraphraser = cat.Sampler(solves), Paraphraser(rewrites)
    estimator: Any = (
        Harmony(sampler, paraphraser)
        if kind_of == "harmony"
        else OtherView(Majority(), sampler, paraphraser)
    )
    scores = await cat.AnswerReward(estimator=estimator).reward(answers("ab"))
    assert [(s.value, s.failure and s.failure.kind) for s in scores] == [(None, kind)] * 2


async def test_rollouts_of_the_second_group_that_failed_are_told_and_the_others_count() -> None:
    replies = iter(["\\boxed{b}", None, "\\boxed{b}"])

    def script(_: Request) -> str:
        reply = next(replies)
        if reply is None:
            raise RequestRefusedError("filtered")
        return reply

    one_by_one = FunctionProvider(script, capabilities=cat.Capabilities())
    reference = await OtherView(Majority(), cat.Sampler(one_by_one)).estimate(answers("aab"))
    settings = reference.provenance.settings
    assert (reference.answer, settings["second_rollouts"], settings["second_failed"]) == ("b", 2, 1)


async def test_only_the_text_of_the_users_last_message_is_reworded() -> None:
    image = ImagePart(url="data:image/png;base64,aGVsbG8=")
    prompt = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Hello."),
        Message(role="assistant", content="Hello!"),
        Message(role="user", content=(TextPart(text="which?"), image)),
    )
    group = answers("ab").model_copy(update={"prompt": prompt})
    policy, rewrites = solver("ab"), FunctionProvider(lambda _: "which one?")
    await OtherView(Majority(), cat.Sampler(policy), Paraphraser(rewrites)).estimate(group)
    assert "which?" in rewrites.requests[0].messages[-1].text
    assert "Hello" not in rewrites.requests[0].messages[-1].text
    asked = policy.requests[0].messages
    assert asked[:-1] == prompt[:-1]
    assert asked[-1].content == (TextPart(text="which one?"), image)


class Silent:
    async def paraphrase(self, group: Group, ctx: object) -> Any:
        return None


async def test_what_cannot_play_a_role_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidInputError, match="sampler is 'openai:a'"):
        Harmony("openai:a")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="paraphraser is the class Paraphraser"):
        OtherView(Majority(), paraphraser=Paraphraser)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="estimator is 3"):
        OtherView(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="n is 0"):
        Harmony(n=0)
    with pytest.raises(InvalidInputError, match="gave None; give the question in other words"):
        await Harmony(cat.Sampler(solver("a")), Silent()).estimate(answers("a"))
    with pytest.raises(NoEvidenceError, match="the group is empty"):
        await OtherView(Majority(), cat.Sampler(solver("a"))).estimate(answers(""))


async def test_a_paraphrase_without_a_model_that_can_say_one_is_an_error_alone() -> None:
    with pytest.raises(StructuredOutputError, match="is empty; raise max_tokens"):
        await Paraphraser(FunctionProvider(lambda _: "")).paraphrase(answers("a"))
