"""Rollouts are drawn once for all contenders; what was seen equals a count by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError, RequestRefusedError
from catsdk.core.inputs import PromptLike, check_prompt
from catsdk.core.types import Group, Message, Reference, Request
from catsdk.estimators import Adaptive, Greedy, Majority
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.experiment import Experiment, Sweep
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.observations import Observation, Seen
from catsdk.runs.ledger import Ledger
from catsdk.runs.store import RunStore
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider
from tests.runs.entries import entries


class Letters:
    """A sampler whose rollout i answers with letter i of the prompt; `!` fails."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, int]] = []

    async def sample(
        self,
        prompt: PromptLike,
        n: int,
        ctx: Context | None = None,
        *,
        start: int = 0,
    ) -> Group:
        text = check_prompt(prompt)[-1].text
        self.drawn += [(text, at) for at in range(start, start + n)]

        def script(_: Request) -> str:
            if text[start] == "!":
                raise RequestRefusedError("filtered")
            return "hm" if text[start] == "-" else f"it is \\boxed{{{text[start]}}}"

        model = FunctionProvider(script, name="letters")
        return await cat.Sampler(model).sample(prompt, n, ctx, start=start)


def anchor(script: Callable[[Request], str]) -> Contender:
    return Contender("anchor", cat.Synthesizer(FunctionProvider(script, name="anchor")))


async def see(
    letters: str, gold: str | None, *contenders: Contender, sizes: tuple[int, ...]
) -> tuple[Seen, Letters]:
    sampler = Letters()
    experiment = Experiment(sampler, contenders, sweep=Sweep(sizes=sizes))
    with anyio.fail_after(10):
        (seen,) = await experiment.run([item_of(letters, gold)])
    return seen, sampler


def at(seen: Seen, name: str, size: int, draw: int = 0) -> Observation:
    return next(
        each
        for each in seen.observations
        if (each.estimator, each.size, each.draw) == (name, size, draw)
    )


async def test_rollouts_are_drawn_once_and_shared_by_all_contenders_and_sizes() -> None:
    contenders = [Contender(str(n), Majority(), free=True) for n in range(3)]
    _, sampler = await see("aabb", "a", *contenders, sizes=(1, 2, 4))
    assert sorted(sampler.drawn) == [("aabb", index) for index in range(4)]


async def test_a_smaller_group_is_the_first_rollouts_then_others_without_repeating() -> None:
    seen, _ = await see("abc", "c", Contender("m", Majority(), free=True), sizes=(1, 2, 3))
    ones = [each for each in seen.observations if each.size == 1]
    # All three of size 1 and of size 2, the one of size 3.
    assert sorted(each.answer or "" for each in ones) == ["a", "b", "c"]
    assert ones[0].answer == "a"
    assert [each.size for each in seen.observations] == [1, 1, 1, 2, 2, 2, 3]


async def test_departures_and_rescues_are_against_the_same_rollouts() -> None:
    shown = anchor(
        lambda request: "\\boxed{c}" if "{c}" in request.messages[-1].text else "no idea"
    )
    seen, _ = await see("aabc", "c", shown, sizes=(3, 4))
    small, large = at(seen, "anchor", 3), at(seen, "anchor", 4)
    assert (small.answer, small.score, small.all_wrong) == (None, 0.0, True)
    assert small.departs is None
    assert (large.answer, large.score, large.majority_score) == ("c", 1.0, 0.0)
    assert (large.departs, large.all_wrong) == (True, False)
    assert large.followed == (False, False, False, True)
    assert seen.scores == {0: 0.0, 1: 0.0, 2: 0.0, 3: 1.0}


async def test_where_rollouts_tie_nothing_departs_and_the_vote_says_so() -> None:
    seen, _ = await see(
        "abcc",
        "a",
        anchor(lambda _: "\\boxed{c}"),
        Contender("m", Majority(), free=True),
        sizes=(2, 4),
    )
    tied, settled = at(seen, "anchor", 2), at(seen, "anchor", 4)
    assert (tied.departs, tied.majority_score, tied.tied) == (None, None, None)
    assert (settled.departs, settled.majority_score) == (False, 0.0)
    votes = [each.tied for each in seen.observations if each.estimator == "m" and each.size == 2]
    # Of the six pairs of a, b, c, c only one agrees.
    assert sorted(votes, key=str) == [False, True, True, True, True, True]
    assert at(seen, "m", 4).tied is False


async def test_a_new_answer_that_says_what_a_rollout_said_is_paid_for_by_itself() -> None:
    model = FunctionProvider(lambda _: "\\boxed{a}", name="letters")
    greedy = Contender("greedy", Greedy(cat.Sampler(model)), sizes=(1,))
    experiment = Experiment(cat.Sampler(model), [greedy], sweep=Sweep(sizes=(1,)))
    (seen,) = await experiment.run([item_of("a", "a")])
    # One word in, one out: the rollout beside it is equal, and is none of its own.
    assert (at(seen, "greedy", 1).usage.tokens, at(seen, "greedy", 1).usage.requests) == (2, 1)


async def test_a_reference_that_is_right_although_all_rollouts_are_wrong_is_told() -> None:
    seen, _ = await see("aab", "z", anchor(lambda _: "\\boxed{z}"), sizes=(3,))
    assert (at(seen, "anchor", 3).all_wrong, at(seen, "anchor", 3).score) == (True, 1.0)


async def test_the_cost_is_that_of_the_rollouts_used_and_of_the_own_calls() -> None:
    prompt, answer = "aaaaaaaa", 3
    model = anchor(lambda _: "one two three \\boxed{a}")
    adaptive = Contender("adaptive", Adaptive(Majority(), 0.95), free=True)
    seen, _ = await see(prompt, "a", model, adaptive, sizes=(8,))
    # A rollout: the prompt's one word in, its three words out.
    assert at(seen, "adaptive", 8).usage.tokens == 4 * (1 + answer)
    assert at(seen, "adaptive", 8).drawn == 4
    own = seen.references["anchor"][8].calls[0].usage
    assert own.output_tokens == 4
    assert at(seen, "anchor", 8).usage.tokens == 8 * (1 + answer) + own.tokens
    assert at(seen, "anchor", 8).usage.requests == 9


async def test_failures_are_data_and_their_calls_are_counted() -> None:
    def refuse(_: Request) -> str:
        raise RequestRefusedError("no")

    seen, _ = await see("a!ab", "a", anchor(refuse), Contender("m", Majority()), sizes=(2, 4))
    failed = at(seen, "anchor", 4)
    assert (failed.score, failed.answer) == (None, None)
    assert failed.failure is not None and failed.failure.kind == "RequestRefusedError"
    assert failed.usage.requests == 4
    assert list(seen.group.failures) == [1]
    assert at(seen, "m", 4).answer == "a"
    assert at(seen, "m", 2).drawn == 1


async def test_without_gold_nothing_is_graded_and_departures_still_count() -> None:
    seen, _ = await see("aab", None, anchor(lambda _: "\\boxed{b}"), sizes=(3,))
    observation = at(seen, "anchor", 3)
    assert (observation.score, observation.majority_score, observation.all_wrong) == (None,) * 3
    assert observation.ungraded is not None and observation.ungraded.kind == "NotGraded"
    assert observation.departs is True


async def test_criteria_are_judged_one_by_one_and_a_missing_verdict_is_no_zero() -> None:
    def verdict(request: Request) -> str:
        text = request.messages[-1].text
        if "\npolite\n" in text:
            return "yes"
        return "no" if "{a}" in text else "well"

    judge = cat.Judge(FunctionProvider(verdict))
    item = item_of("ab", criteria=("polite", "short"))
    experiment = Experiment(
        Letters(), [Contender("m", Majority(), free=True)], ItemGrader(judge), Sweep(sizes=(1, 2))
    )
    (seen,) = await experiment.run([item])
    assert seen.scores == {0: 0.5}
    scores = {each.answer: each.score for each in seen.observations if each.size == 1}
    assert scores == {"a": 0.5, "b": None}


async def test_rollouts_references_and_verdicts_are_in_the_store(tmp_path: Path) -> None:
    item = Item(id="x", prompt=(Message(role="user", content="ab"),), gold="a")
    async with RunStore(tmp_path / "run.sqlite") as store:
        experiment = Experiment(
            Letters(),
            [Contender("m", Majority(tie="first"))],
            sweep=Sweep(sizes=(2,)),
            ledger=Ledger(store),
        )
        await experiment.run([item])
        assert set(await entries(store, "rollout")) == {"x/0", "x/1"}
        assert set(await entries(store, "verdict")) == {"x/rollout/0", "x/rollout/1", "x/m/2/0"}
        kept = Reference.model_validate_json((await entries(store, "reference"))["x/m/2/0"])
    assert kept.answer == "a"


def test_sizes_out_of_range_and_equal_names_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="sizes"):
        Experiment(Letters(), [], sweep=Sweep(sizes=(0,)))
    with pytest.raises(InvalidInputError, match="name"):
        Experiment(Letters(), [Contender("m", Majority())] * 2)
