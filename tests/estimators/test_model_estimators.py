"""Aggregators that ask models do what their papers' equations say, and count every call."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import catsdk as cat
from catsdk.core.errors import (
    NoEvidenceError,
    RequestRefusedError,
    StructuredOutputError,
    UnsupportedError,
)
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Message, Request, TokenLogprob, Usage
from catsdk.estimators import (
    BestOfN,
    GenerativeSelfAggregation,
    Grading,
    Majority,
    MixtureOfAgents,
    MutualPredictability,
    RecursiveSelfAggregation,
    SelfBestOfN,
    UniversalSelfConsistency,
)
from catsdk.testing import FunctionProvider
from tests.estimators.groups import answers

Chooser = type[UniversalSelfConsistency] | type[SelfBestOfN]


@pytest.mark.parametrize("kind", [UniversalSelfConsistency, SelfBestOfN])
async def test_the_named_rollout_is_taken_after_all_were_shown(kind: Chooser) -> None:
    model = FunctionProvider(lambda _: '{"choice": 3}')
    reference = await kind(model).estimate(answers("abc"))
    assert (reference.answer, reference.provenance.settings["position"]) == ("c", 2)
    text = model.requests[0].messages[-1].text
    assert "which?" in text
    assert all(f"so \\boxed{{{each}}}" in text for each in "abc")
    assert model.requests[0].temperature == 0.0
    assert len(reference.calls) == 1


@pytest.mark.parametrize("kind", [UniversalSelfConsistency, SelfBestOfN])
@pytest.mark.parametrize("reply", ["0", "4", "the second", '{"choice": true}', '{"choice": "two"}'])
async def test_a_reply_that_names_no_rollout_is_asked_for_again_then_an_error(
    kind: Chooser, reply: str
) -> None:
    model = FunctionProvider(lambda _: reply)
    with pytest.raises(StructuredOutputError, match="1 to 3"):
        await kind(model).estimate(answers("abc"))
    assert len(model.requests) == 2


async def test_a_corrected_choice_counts_both_calls() -> None:
    replies = iter(["I like b", "2"])
    model = FunctionProvider(lambda _: next(replies))
    reference = await SelfBestOfN(model).estimate(answers("abc"))
    assert (reference.answer, len(reference.calls)) == ("b", 2)


async def test_one_rollout_needs_no_choice() -> None:
    model = FunctionProvider(lambda _: "1")
    assert (await SelfBestOfN(model).estimate(answers("a"))).answer == "a"
    assert model.requests == []


async def test_each_rollout_is_graded_alone_and_a_failed_grade_is_no_zero() -> None:
    def script(request: Request) -> str:
        text = request.messages[-1].text
        if "{a}" in text:
            return '{"reason": "wrong", "grade": 0}'
        if "{b}" in text:
            raise RequestRefusedError("filtered")
        return "4.5" if "{c}" in text else "eleven"

    judge = FunctionProvider(script)
    scores = await Grading(judge).rate(answers("abcd"))
    assert [score.value for score in scores] == [0.0, None, 4.5, None]
    assert [score.failure.kind for score in scores if score.failure] == [
        "RequestRefusedError",
        "StructuredOutputError",
    ]
    reference = await BestOfN(Grading(judge)).estimate(answers("abcd"))
    assert reference.answer == "c"
    # One each for a, b and c, two for d; in the reference's calls as in the first rating.
    assert len(reference.calls) == 5
    assert {call.stage for call in reference.calls} == {"grade"}


async def test_a_new_answer_is_written_with_the_question_and_all_responses() -> None:
    model = FunctionProvider(lambda _: "anew \\boxed{7}")
    reference = await GenerativeSelfAggregation(model, seed=5).estimate(answers("abc"))
    text = model.requests[0].messages[-1].text
    assert (reference.answer, reference.text) == ("7", "anew \\boxed{7}")
    assert "which?" in text and text.count("<response-") == 3
    assert (model.requests[0].seed, len(reference.calls)) == (5, 1)


def joiner(name: str) -> FunctionProvider:
    """Answers with its own name and the number of responses it was shown."""

    def script(request: Request) -> str:
        return f"\\boxed{{{name}{request.messages[-1].text.count('<response-')}}}"

    return FunctionProvider(script, name=name)


async def test_a_mixture_gives_each_layer_the_answers_of_the_one_before() -> None:
    x, y, z = joiner("x"), joiner("y"), joiner("z")
    layer = [GenerativeSelfAggregation(x), GenerativeSelfAggregation(y)]
    mixture = MixtureOfAgents([layer, layer], final=GenerativeSelfAggregation(z))
    reference = await mixture.estimate(answers("aab"))
    # First layer from 3 rollouts, second and final from 2 answers each.
    assert "\\boxed{a}" in x.requests[0].messages[-1].text
    assert all("{x3}" in r.messages[-1].text for r in (x.requests[1], y.requests[1]))
    assert all(name in z.requests[0].messages[-1].text for name in ("{x2}", "{y2}"))
    assert (reference.answer, len(reference.calls)) == ("z2", 5)
    assert [r.answer for r in reference.rollouts] == ["a", "a", "b"]
    assert (reference.agreement, reference.disagrees) == (2 / 3, True)


def broken() -> FunctionProvider:
    def script(_: Request) -> str:
        raise RequestRefusedError("no")

    return FunctionProvider(script, name="broken")


async def test_a_failed_proposer_leaves_its_layer_smaller_and_is_counted() -> None:
    x, down = joiner("x"), broken()
    layer = [GenerativeSelfAggregation(x), GenerativeSelfAggregation(down)]
    reference = await MixtureOfAgents([layer], Majority()).estimate(answers("ab"))
    assert (reference.answer, reference.provenance.settings["failed"]) == ("x2", 1)
    assert len(reference.calls) == 2
    with pytest.raises(NoEvidenceError, match="no"):
        await MixtureOfAgents([[GenerativeSelfAggregation(down)]], Majority()).estimate(
            answers("ab")
        )


async def test_a_recursion_aggregates_subsets_of_k_in_every_round() -> None:
    model = joiner("r")
    recursion = RecursiveSelfAggregation(
        GenerativeSelfAggregation(model), Majority(), subset=2, rounds=3
    )
    reference = await recursion.estimate(answers("abcd"))
    # N (T - 1) = 4 * 2 calls, each shown K = 2.
    assert len(model.requests) == len(reference.calls) == 8
    assert all(r.messages[-1].text.count("<response-") == 2 for r in model.requests)
    assert sum("{r2}" in r.messages[-1].text for r in model.requests) == 4
    assert reference.answer == "r2"
    again = await recursion.estimate(answers("abcd"))
    shown = [sorted(r.messages[-1].text for r in model.requests[at : at + 4]) for at in (0, 8)]
    assert shown[0] == shown[1]
    assert again.answer == "r2"


async def test_a_recursion_of_one_round_is_its_final_estimator() -> None:
    model = joiner("r")
    recursion = RecursiveSelfAggregation(GenerativeSelfAggregation(model), Majority(), rounds=1)
    assert (await recursion.estimate(answers("aab"))).answer == "a"
    assert model.requests == []


class LettersInCommon:
    """A scorer: a text costs 1 nat a token, a quarter where its answer is in the prompt."""

    name = "scorer"
    capabilities = cat.Capabilities()

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        raise AssertionError("only scores are asked for")

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        prompt = messages[-1].text
        self.asked.append(prompt)
        if text.endswith("{x}"):
            raise RequestRefusedError("too strange")
        price = -0.25 if text in prompt else -1.0
        tokens = (TokenLogprob(token="t", logprob=price),) * 2
        usage = Usage(input_tokens=10, requests=1)
        return Completion(text=text, logprobs=tokens, usage=usage, model="scorer")


async def test_the_rollout_that_the_others_predict_is_taken() -> None:
    scorer = LettersInCommon()
    reference = await MutualPredictability(scorer).estimate(answers("abxb"))
    assert reference.answer == "b"
    told = reference.provenance.settings
    assert told["mean_logprobs"] == {"0": -1.0, "1": -0.25, "3": -0.25}
    assert (told["selected"], told["unrated"]) == (1, [2])
    assert all(prompt.count("<response-") == 3 for prompt in scorer.asked)
    assert reference.usage.input_tokens == 30
    assert len(reference.calls) == 4


async def test_a_model_that_cannot_score_a_text_says_so() -> None:
    with pytest.raises(UnsupportedError, match="cannot score"):
        await MutualPredictability(joiner("x")).estimate(answers("ab"))
