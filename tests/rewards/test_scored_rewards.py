"""Rewards from a model's own probabilities of a text are the numbers that the papers define."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

import pytest

import catsdk as cat
from catsdk.core.errors import ServerError
from catsdk.core.ports import OnText
from catsdk.core.types import (
    Completion,
    Group,
    Message,
    Provenance,
    Reference,
    Request,
    TokenLogprob,
    Usage,
)
from catsdk.errors import InvalidInputError
from catsdk.rewards import NegativeEntropy, ReferenceProbability, SelfCertainty, SkipFlat
from catsdk.testing import FunctionProvider


class Reader:
    """Reads a text word by word; each word's probability is looked up by the whole text."""

    name = "reader"
    capabilities = cat.Capabilities()

    def __init__(self, probabilities: Mapping[str, Sequence[float]]) -> None:
        self.probabilities, self.read = probabilities, list[str]()

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        raise AssertionError("only scores are asked for")

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        self.read.append(text)
        if text not in self.probabilities:
            raise ServerError("down", status=500)
        words = text.split()
        told = self.probabilities[text]
        skipped = len(words) - len(told)
        values = [1.0] * skipped + list(told)
        tokens = tuple(
            TokenLogprob(token=word, logprob=log(value), entropy=value, self_certainty=2 * value)
            for word, value in zip(words, values, strict=True)
        )
        usage = Usage(input_tokens=len(words), requests=1)
        return Completion(text=text, logprobs=tokens, usage=usage, model=self.name)


def reference_of(group: Group, text: str, answer: str | None = None) -> Reference:
    provenance = Provenance(method="by hand")
    return Reference(text=text, answer=answer, group=group, provenance=provenance)


THOUGHT = "<think>\n{}\n</think>\n\n"


async def test_the_reward_is_what_reasoning_adds_to_the_references_mean_probability() -> None:
    group = cat.group_of(
        "Why is the street wet?",
        [
            Completion(text="Rain.", reasoning="clouds"),
            Completion(text="A hose.", reasoning="hoses"),
        ],
    )
    reader = Reader(
        {
            "It rained": [0.2, 0.3],
            THOUGHT.format("clouds") + "It rained": [0.5, 0.9],
            THOUGHT.format("hoses") + "It rained": [0.1, 0.2],
        }
    )
    reward = ReferenceProbability(reader)
    scores = await reward.reward(group, reference_of(group, "It rained"))
    # (0.5 + 0.9)/2 - (0.2 + 0.3)/2 = 0.45; (0.1 + 0.2)/2 - 0.25 is negative: 0.
    assert [score.value for score in scores] == [pytest.approx(0.45), 0.0]
    assert sum(score.usage.requests for score in scores) == 3
    plain = ReferenceProbability(reader, debias=False)
    values = [s.value for s in await plain.reward(group, reference_of(group, "It rained"))]
    assert values == [pytest.approx(0.7), pytest.approx(0.15)]


async def test_the_reference_stands_where_the_rollouts_own_answer_stood() -> None:
    texts = [r"It is \boxed{42}. Check: 42 = 6*7.", "So 41 it is, the answer is 41", "No idea"]
    group = cat.group_of("6*7?", texts)
    reader = Reader(
        {
            "42": [0.1],
            r"\boxed{42": [0.3],
            r"It is \boxed{42": [0.8],
            "So 41 it is, the answer is 42": [0.3],
            "No idea\n\n42": [0.1],
        }
    )
    reference = reference_of(group, r"It is \boxed{42}", "42")
    scores = await ReferenceProbability(reader, of="answer").reward(group, reference)
    assert sorted(reader.read) == [
        "42",
        r"It is \boxed{42",
        "No idea\n\n42",
        "So 41 it is, the answer is 42",
        r"\boxed{42",
    ]
    # What introduces the answer is no reasoning: alone, the reference is read behind it too.
    assert [score.value for score in scores] == pytest.approx([0.5, 0.2, 0.0])


async def test_a_text_without_thinking_is_read_whole_before_a_free_form_reference() -> None:
    group = cat.group_of("Why?", ["Clouds."])
    reader = Reader({"It rained": [0.5, 0.5], "Clouds.\n\nIt rained": [0.6, 0.8]})
    (score,) = await ReferenceProbability(reader).reward(group, reference_of(group, "It rained"))
    assert score.value == pytest.approx(0.2)


async def test_a_reading_that_fails_is_no_reward_with_its_cause() -> None:
    group = cat.group_of("Why?", ["Clouds.", "Hoses."])
    reference = reference_of(group, "It rained")
    some = Reader({"It rained": [0.5, 0.5], "Clouds.\n\nIt rained": [0.6, 0.8]})
    scores = await ReferenceProbability(some).reward(group, reference)
    kinds = [score.failure and score.failure.kind for score in scores]
    assert ([s.value is None for s in scores], kinds) == ([False, True], [None, "ServerError"])
    none_alone = Reader({"Clouds.\n\nIt rained": [0.6, 0.8], "Hoses.\n\nIt rained": [0.6, 0.8]})
    scores = await ReferenceProbability(none_alone).reward(group, reference)
    assert [s.failure and s.failure.kind for s in scores] == ["ServerError"] * 2
    mute = FunctionProvider(lambda _: "no scores")
    scores = await ReferenceProbability(mute).reward(group, reference)
    assert [s.failure and s.failure.kind for s in scores] == ["UnsupportedError"] * 2
    scores = await ReferenceProbability(some, of="answer").reward(group, reference)
    assert [s.failure and s.failure.kind for s in scores] == ["NoReferenceAnswer"] * 2
    assert not any(score.value == 0 for score in scores)


async def test_other_tokens_than_the_reference_has_alone_are_no_reward() -> None:
    class Merging(Reader):
        async def score(self, messages: Sequence[Message], text: str) -> Completion:
            scored = await super().score(messages, text)
            if "Clouds" not in text:
                return scored
            last = TokenLogprob(token="It rained", logprob=0.0)
            return scored.model_copy(update={"logprobs": (*(scored.logprobs or ())[:-2], last)})

    reader = Merging({"It rained": [0.5, 0.5], "Clouds.\n\nIt rained": [0.6, 0.8]})
    group = cat.group_of("Why?", ["Clouds."])
    (score,) = await ReferenceProbability(reader).reward(group, reference_of(group, "It rained"))
    assert (score.value, score.failure and score.failure.kind) == (None, "OtherTokens")


async def test_a_group_whose_rewards_hardly_differ_is_left_out() -> None:
    class Given(cat.Reward):
        needs_reference = False

        async def score(self, group: Group, reference: object, ctx: object) -> list[float | None]:
            return [0.2, 0.3, 0.4, None]

    group = cat.group_of("q", list("abcd"))
    # The standard deviation of 0.2, 0.3, 0.4 is sqrt(0.02 / 3) = 0.0816.
    kept = await SkipFlat(Given(), least=0.081).reward(group)
    assert [score.value for score in kept] == [0.2, 0.3, 0.4, None]
    left = await SkipFlat(Given(), least=0.082).reward(group)
    kinds = [score.failure and score.failure.kind for score in left]
    assert kinds == ["LeftOut"] * 3 + ["NoEvidence"]
    with pytest.raises(InvalidInputError, match="least is -1"):
        SkipFlat(Given(), least=-1)


async def test_confidence_is_the_mean_over_the_tokens_of_thinking_and_answer() -> None:
    group = cat.group_of("q", ["yes no", Completion(text="b", reasoning="a")])
    reader = Reader({"yes no": [0.2, 0.4], THOUGHT.format("a") + "b": [0.1, 0.3, 0.3, 0.1]})
    scores = await SelfCertainty(reader).reward(group)
    assert [score.value for score in scores] == pytest.approx([0.6, 0.4])
    scores = await NegativeEntropy(reader).reward(group)
    assert [score.value for score in scores] == pytest.approx([-0.3, -0.2])
    assert sum(score.usage.requests for score in scores) == 2


async def test_a_model_that_does_not_say_how_sure_it_was_gives_no_reward() -> None:
    class Bare(Reader):
        async def score(self, messages: Sequence[Message], text: str) -> Completion:
            scored = await super().score(messages, text)
            bare = (TokenLogprob(token="t", logprob=-0.5),)
            return scored.model_copy(update={"logprobs": bare})

    group = cat.group_of("q", ["yes", "fails"])
    for reward in (SelfCertainty(Bare({"yes": [0.5]})), NegativeEntropy(Bare({"yes": [0.5]}))):
        scores = await reward.reward(group)
        kinds = [score.failure and score.failure.kind for score in scores]
        assert kinds == ["UnsupportedError", "ServerError"]
        assert [score.value for score in scores] == [None, None]


def test_tokens_whose_distribution_is_unknown_are_written_as_before() -> None:
    token = TokenLogprob(token="a", logprob=-0.5)
    assert token.model_dump_json() == '{"token":"a","logprob":-0.5}'
    known = TokenLogprob(token="a", logprob=-0.5, entropy=0.0, self_certainty=1.5)
    assert TokenLogprob.model_validate_json(known.model_dump_json()) == known


@pytest.mark.needs_torch
@pytest.mark.parametrize("total", ["184893480", "85262766", "123"])
async def test_a_real_tokenizer_cuts_the_reference_alike_with_reasoning_and_without(
    total: str,
) -> None:
    pytest.importorskip("torch")
    # The box writes 18 as one token behind a brace, and as two at the start of a text.
    texts = [
        rf"c1: 8+9=17{end}" for end in ("\n\\boxed{174893481}", " **174893481**", " so 174893481")
    ]
    group = cat.group_of("87024588+97868892", texts)
    reference = reference_of(group, rf"\boxed{{{total}}}", total)
    scores = await ReferenceProbability("local", of="answer").reward(group, reference)
    assert [score.failure for score in scores] == [None] * 3
    assert all(score.value is not None for score in scores)
