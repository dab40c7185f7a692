"""A sampler, an estimator, a reward and a judge of ten lines work without knowing the runtime."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

import catsdk as cat
from catsdk.core.errors import (
    ConfigurationError,
    InvalidInputError,
    NoModelError,
    ServerError,
    SynthesisFailedError,
)
from catsdk.core.events import RolloutArrived, TextArrived
from catsdk.core.inputs import PromptLike
from catsdk.core.types import Provenance, Reference, Request, Rubric, Score, Verdict
from catsdk.testing import FunctionProvider
from tests.method.scripted import anchor, judge, policy


class Longest:
    """Takes the longest rollout."""

    async def estimate(self, group: cat.Group, ctx: cat.Context) -> Reference:
        return ctx.reference(max(group.rollouts, key=lambda rollout: len(rollout.text)))


class AskAgain:
    """Asks a model of its own for the reference."""

    def __init__(self, model: cat.Provider) -> None:
        self.model = model

    async def estimate(self, group: cat.Group, ctx: cat.Context) -> Reference:
        model = await ctx.model(self.model)
        message = cat.Message(role="user", content=group.question)
        (completion,) = await model.complete(Request(messages=(message,)))
        return ctx.reference(completion.text, settings={"why": "asked again"})


class Brief(cat.Reward):
    """Rewards responses of few words."""

    async def score(
        self, group: cat.Group, reference: Reference | None, ctx: cat.Context
    ) -> list[float | None]:
        return [float(len(rollout.text.split()) < 3) for rollout in group.rollouts]


class Plain:
    """A reward that inherits nothing."""

    async def reward(
        self, group: cat.Group, reference: Reference | None, ctx: cat.Context
    ) -> list[Score]:
        assert reference is not None
        return [ctx.score(rollout, len(reference.text)) for rollout in group.rollouts]


class FromTable:
    """A sampler that draws from a table."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    async def sample(
        self, prompt: PromptLike, n: int, ctx: cat.Context, *, start: int = 0
    ) -> cat.Group:
        return cat.group_of(prompt, self.texts[start : start + n], answers=ctx.answers)


class Strict:
    """A judge that says yes to what stands in the response."""

    async def judge(self, rubric: Rubric, rollout: cat.Rollout, ctx: cat.Context) -> list[Verdict]:
        return [
            Verdict(criterion_id=criterion.id, met=criterion.text in rollout.text)
            for criterion in rubric.criteria
        ]


async def test_an_own_estimator_has_its_name_evidence_and_calls_filled_in() -> None:
    result = await cat.CaT(policy(["4", "22", "4"]), estimator=Longest()).run("q", 3)
    reference = result.reference
    assert reference is not None
    assert (reference.answer, reference.majority, reference.disagrees) == ("22", "4", True)
    assert (reference.provenance.method, reference.provenance.settings["selected"]) == (
        "Longest",
        1,
    )
    asked = await cat.CaT(policy(), estimator=AskAgain(anchor("7"))).run("q", 2)
    assert asked.reference is not None and asked.answer == "7"
    assert [call.model for call in asked.reference.calls] == ["anchor"]
    assert asked.usage.requests == 2


async def test_an_own_reward_may_give_numbers_or_scores() -> None:
    c = cat.CaT(FromTable("one", "one two three"), estimator=Longest(), reward=Brief())
    assert (await c.run("q", 2)).rewards == (1.0, 0.0)
    c = cat.CaT(FromTable("a", "bbb"), estimator=Longest(), reward=Plain())
    assert (await c.run("q", 2)).rewards == (3.0, 3.0)


async def test_an_own_reward_takes_part_in_sums() -> None:
    c = cat.CaT(policy(["4", "5"]), estimator=anchor(), reward=0.5 * Brief() + cat.AnswerReward())
    result = await c.run("q", 2)
    assert result.rewards == (1.5, 0.5)
    assert {name: part.value for name, part in result.scores[0].parts.items()} == {
        "brief": 1.0,
        "answer": 1.0,
    }


async def test_an_own_sampler_is_asked_for_what_run_was_asked_for() -> None:
    c = cat.CaT(
        FromTable("\\boxed{1}", "\\boxed{2}", "\\boxed{3}"), estimator=cat.Majority("first")
    )
    result = await c.run("q", 2)
    assert result.group is not None and result.answer == "1"
    assert [rollout.answer for rollout in result.group.rollouts] == ["1", "2"]
    with pytest.raises(InvalidInputError, match="no setting 'seed'"):
        await c.run("q", 2, seed=1)


async def test_an_own_judge_judges_alone_and_in_a_panel() -> None:
    rubric = cat.Rubric(
        criteria=(cat.Criterion(id="c1", text="4"), cat.Criterion(id="c2", text="so")),
        provenance=Provenance(method="mine"),
    )
    for by in (Strict(), cat.Panel(Strict(), Strict(), judge())):
        reward = cat.RubricReward(judge=by, rubric=rubric)
        result = await cat.CaT(policy(["4", "5"]), reward=reward).run("q", 2)
        assert result.rewards == (1.0, 0.5), by


@pytest.mark.parametrize(
    ("roles", "named"),
    [
        ({"estimator": "text"}, "the estimator .* gave 'text'; give a Reference"),
        ({"sampler": ["a"]}, "the sampler .* gave \\['a'\\]; give a Group"),
        ({"reward": 0.5}, "a reward gave 0.5; give a list"),
        ({"reward": [1.0]}, "a reward gave 1 numbers for 2 rollouts"),
        ({"reward": [1.0, float("nan")]}, "the reward of rollout 1 is nan; give a finite number"),
        ({"reward": [1.0, "good"]}, "the reward of rollout 1 is 'good'; give a number"),
    ],
)
async def test_what_an_own_role_gives_wrong_is_named_with_the_fix(
    roles: dict[str, Any], named: str
) -> None:
    class Wrong:
        async def sample(self, prompt: Any, n: int, ctx: Any, *, start: int = 0) -> Any:
            return roles["sampler"]

        async def estimate(self, group: Any, ctx: Any) -> Any:
            return roles["estimator"]

    class WrongReward(cat.Reward):
        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            return roles["reward"]

    c = cat.CaT(
        Wrong() if "sampler" in roles else policy(),
        estimator=Wrong() if "estimator" in roles else Longest(),
        reward=WrongReward() if "reward" in roles else None,
    )
    with pytest.raises((InvalidInputError, SynthesisFailedError), match=named):
        await c.run("q", 2)


async def test_a_defect_of_an_own_role_is_raised_as_it_is_wherever_it_is_awaited() -> None:
    class Broken:
        async def estimate(self, group: cat.Group, ctx: cat.Context) -> Reference:
            raise ZeroDivisionError("mine")

    c = cat.CaT(policy(), estimator=Broken())
    with pytest.raises(ZeroDivisionError, match="mine"):
        await c.run("q", 2)
    with anyio.fail_after(5):
        async with c:
            with pytest.raises(ZeroDivisionError, match="mine"):
                [event async for event in c.stream("q", 2)]
            with pytest.raises(ZeroDivisionError, match="mine"):
                [result async for result in c.map(["q"], 2)]


async def test_a_service_that_fails_in_an_own_reward_leaves_no_number_and_the_rest_stays() -> None:
    class Remote(cat.Reward):
        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            raise ServerError("down", status=500)

    class Duck:
        async def reward(self, group: Any, reference: Any, ctx: Any) -> Any:
            raise ServerError("down", status=500)

    for reward in (Remote(), Duck()):
        result = await cat.CaT(policy(), estimator=anchor(), reward=reward).run("q", 2)
        assert (result.rewards, result.answer, result.partial) == ((None, None), "4", False)
        assert {score.failure and score.failure.kind for score in result.scores} == {"ServerError"}


async def test_what_was_paid_for_is_kept_when_a_reward_cannot_work_at_all() -> None:
    class Unset(cat.Reward):
        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            raise ConfigurationError("no key")

    c = cat.CaT(policy(), estimator=anchor(), reward=Unset())
    with pytest.raises(ConfigurationError, match="no key") as caught:
        await c.run("q", 2)
    kept = caught.value.result
    assert kept is not None and kept.group is not None
    assert (kept.answer, len(kept.group.rollouts), kept.usage.requests) == ("4", 2, 2)
    async with c:
        (result,) = [result async for result in c.map(["q"], 2)]
    assert result.failure is not None and result.failure.kind == "ConfigurationError"
    assert (result.answer, result.usage.requests) == ("4", 2)


async def test_a_role_without_a_model_names_the_setting() -> None:
    class Asks(cat.Reward):
        async def score(self, group: Any, reference: Any, ctx: Any) -> list[float]:
            await ctx.model(None, "judge")
            return []

    c = cat.CaT(FromTable("a"), estimator=Longest(), reward=Asks())
    with pytest.raises(NoModelError, match="CATSDK_JUDGE"):
        await c.run("q", 1)


async def test_inner_steps_do_not_speak_for_the_run() -> None:
    class Twice:
        """Draws and synthesizes quietly, then aloud."""

        async def estimate(self, group: cat.Group, ctx: cat.Context) -> Reference:
            await cat.Sampler(policy(["9"])).sample("other", 3, ctx.quiet())
            await cat.Synthesizer(anchor("8")).estimate(group, ctx.quiet())
            return await cat.Synthesizer(anchor("7")).estimate(group, ctx)

    heard: list[Any] = []
    client = cat.Client(on_event=heard.append)
    result = await cat.CaT(policy(), estimator=Twice(), client=client).run(
        "q", 2, on_event=heard.append
    )
    assert sum(isinstance(event, RolloutArrived) for event in heard) == 2 * 2
    text = "".join(event.text for event in heard if isinstance(event, TextArrived))
    assert "8" not in text and text.count("7") == 2
    assert result.usage.requests == 4


async def test_pieces_of_text_never_interleave() -> None:
    """Two anchors at once inside one estimator and one reward: only the run's own text is heard."""
    parts = cat.Cascade(cat.Majority(), cat.Synthesizer(anchor("7")), threshold=1.0)
    other = cat.AnswerReward(estimator=cat.Synthesizer(anchor("6")))
    another = cat.AnswerReward(estimator=cat.Synthesizer(anchor("5")))
    async with cat.CaT(policy(), estimator=parts, reward=other + another) as c:
        with anyio.fail_after(5):
            events = [event async for event in c.stream("q", 4)]
    pieces = [event.text for event in events if isinstance(event, TextArrived)]
    assert "".join(pieces) == "# SUMMARY\nthey differ\n# UNIFIED RESPONSE\nit is\n\\boxed{7}"


async def test_map_streams_no_text_but_names_the_prompt_of_each_event() -> None:
    heard: list[Any] = []
    model = FunctionProvider(lambda _: "so \\boxed{4}")
    async with cat.CaT(model, estimator=anchor()) as c:
        async for _ in c.map(["a", "b", "c"], 2, on_event=heard.append):
            pass
    assert not any(isinstance(event, TextArrived) for event in heard)
    arrived = [event.item for event in heard if isinstance(event, RolloutArrived)]
    assert Counter(arrived) == {0: 2, 1: 2, 2: 2}


async def test_a_defect_of_an_own_role_loses_nothing_that_was_paid_for() -> None:
    class Broken(cat.Reward):
        needs_reference = False

        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            raise KeyError("mine")

    asked = policy(["4", "5"])
    c = cat.CaT(asked, estimator=Longest(), reward=Broken())
    with pytest.raises(KeyError) as alone:
        await c.run("q", 2)
    async with c:
        with pytest.raises(KeyError) as among_many:
            [result async for result in c.map(["q"], 2)]
    for caught in (alone, among_many):
        kept: Any = getattr(caught.value, "result", None)
        assert [rollout.answer for rollout in kept.group.rollouts] == ["4", "5"]
        assert kept.reference is not None
        assert kept.usage.requests == 1
        assert kept.failure.kind == "KeyError"


class NotAsync:
    """Plays every role by methods without `async`."""

    def sample(self, prompt: Any, n: int, ctx: Any, *, start: int = 0) -> Any:
        return cat.group_of(prompt, ["a"] * n)

    def estimate(self, group: Any, ctx: Any) -> Any:
        return ctx.reference(group.rollouts[0])

    def reward(self, group: Any, reference: Any, ctx: Any) -> Any:
        return [1.0 for _ in group.rollouts]

    def judge(self, rubric: Any, rollout: Any, ctx: Any) -> Any:
        return [Verdict(criterion_id=criterion.id, met=True) for criterion in rubric.criteria]

    def propose(self, reference: Any, ctx: Any) -> Any:
        return RUBRIC


class NotAsyncScore(cat.Reward):
    def score(self, group: Any, reference: Any, ctx: Any) -> Any:
        return [1.0 for _ in group.rollouts]


class Generator(cat.Reward):
    async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
        yield 1.0


RUBRIC = Rubric(
    criteria=(cat.Criterion(id="a", text="A"),), provenance=Provenance(method="written")
)


@pytest.mark.parametrize(
    ("roles", "method"),
    [
        ({"policy": NotAsync()}, "sample"),
        ({"estimator": NotAsync()}, "estimate"),
        ({"reward": NotAsync()}, "reward"),
        ({"reward": NotAsyncScore()}, "score"),
        ({"reward": Generator()}, "score"),
        ({"reward": cat.RubricReward(judge=NotAsync(), rubric=RUBRIC)}, "judge"),
        ({"reward": cat.RubricReward(proposer=NotAsync())}, "propose"),
    ],
)
async def test_a_method_that_is_not_async_is_named_with_the_fix(
    roles: dict[str, Any], method: str
) -> None:
    c = cat.CaT(**{"policy": policy(), "estimator": Longest(), **roles})
    with pytest.raises(
        (InvalidInputError, SynthesisFailedError), match=f"the method {method} of .* is not async"
    ):
        await c.run("q", 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: cat.CaT(cat.Sampler),  # type: ignore[arg-type]
        lambda: cat.CaT("local", estimator=cat.Majority),  # type: ignore[arg-type]
        lambda: cat.CaT("local", reward=cat.AnswerReward),  # type: ignore[arg-type]
        lambda: cat.AnswerReward(estimator=cat.Majority),  # type: ignore[arg-type]
        lambda: cat.Cascade(cat.Majority, cat.Majority()),  # type: ignore[arg-type]
        lambda: cat.RubricReward(judge=cat.Judge),  # type: ignore[arg-type]
        lambda: cat.Panel(cat.Judge),  # type: ignore[arg-type]
        lambda: cat.RubricReward(proposer=cat.RubricProposer),  # type: ignore[arg-type]
    ],
)
def test_a_class_in_the_place_of_its_object_is_refused_before_anything_is_paid(make: Any) -> None:
    with pytest.raises(InvalidInputError, match="is the class .*; give an object of it"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: cat.RubricReward(judge=3),  # type: ignore[arg-type]
        lambda: cat.Panel("openai:a", 3),  # type: ignore[arg-type]
        lambda: cat.AnswerReward(unknown=float("nan")),
        lambda: cat.AnswerReward(unknown="zero"),  # type: ignore[arg-type]
        lambda: cat.RubricReward(proposer=cat.Majority()),  # type: ignore[arg-type]
        lambda: cat.RubricReward(rubric=["Names the dose"]),  # type: ignore[arg-type]
        lambda: cat.Cascade(cat.Gold(), cat.Majority()),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_play_a_role_is_refused_where_it_is_given(make: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"; give "):
        make()


@pytest.mark.parametrize("verdicts", [None, [True], "yes", [0.5]])
@pytest.mark.parametrize("stop_early", [False, True])
async def test_what_a_judge_of_ones_own_gives_wrong_is_named_with_the_fix(
    verdicts: Any, stop_early: bool
) -> None:
    class Wrong:
        async def judge(self, rubric: Any, rollout: Any, ctx: Any) -> Any:
            return verdicts

    reward = cat.RubricReward(judge=Wrong(), rubric=RUBRIC, stop_early=stop_early)
    with pytest.raises(
        InvalidInputError, match=r"the judge .* gave .*; give a list with a Verdict"
    ):
        await cat.CaT(policy(), reward=reward).run("q", 2)


async def test_what_a_proposer_of_ones_own_gives_wrong_is_named_with_the_fix() -> None:
    class Wrong:
        async def propose(self, reference: Any, ctx: Any) -> Any:
            return ["Names the dose"]

    reward = cat.RubricReward(proposer=Wrong(), judge=judge())
    with pytest.raises(
        InvalidInputError, match=r"the rubric is \['Names the dose'\]; give a Rubric"
    ):
        await cat.CaT(policy(), estimator=Longest(), reward=reward).run("q", 2)


@pytest.mark.parametrize("grade", [float("nan"), 7.0, -0.5, float("inf")])
async def test_a_grade_that_is_no_share_never_becomes_a_reward(grade: float) -> None:
    class Graded:
        async def judge(self, rubric: Any, rollout: Any, ctx: Any) -> Any:
            return [
                Verdict(criterion_id=each.id, met=True, grade=grade) for each in rubric.criteria
            ]

    c = cat.CaT(policy(), reward=cat.RubricReward(judge=Graded(), rubric=RUBRIC))
    with pytest.raises(ValidationError, match="grade"):
        await c.run("q", 2)


async def test_two_verdicts_for_one_criterion_are_refused_instead_of_the_last_being_taken() -> None:
    class Twice:
        async def judge(self, rubric: Any, rollout: Any, ctx: Any) -> Any:
            return [Verdict(criterion_id="a", met=met) for met in (False, True)]

    c = cat.CaT(policy(), reward=cat.RubricReward(judge=Twice(), rubric=RUBRIC))
    with pytest.raises(InvalidInputError, match=r"the criteria \['a', 'a'\]; give one for each"):
        await c.run("q", 2)


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_an_estimator_inside_a_reward_is_held_to_the_same(asynchronous: bool) -> None:
    class Text:
        async def estimate(self, group: Any, ctx: Any) -> Any:
            return "4"

    wrong: Any = Text() if asynchronous else NotAsync()
    c = cat.CaT(policy(), reward=cat.AnswerReward(estimator=wrong))
    with pytest.raises(InvalidInputError, match="answer reward is '4'|is not async"):
        await c.run("q", 2)


@pytest.mark.parametrize("given", [("a text", None), (None, None), (cat.Group, "4")])
async def test_what_is_no_group_or_no_reference_is_not_rewarded(given: tuple[Any, Any]) -> None:
    group, reference = given
    group = cat.group_of("q", ["4"]) if group is cat.Group else group
    with pytest.raises(InvalidInputError, match="(group|reference) is .*; give a"):
        await cat.CaT(policy(), reward=cat.AnswerReward()).reward(group, reference)


@pytest.mark.parametrize("responses", ["46", b"46", {"a": 1}, None])
def test_one_text_is_no_list_of_responses(responses: Any) -> None:
    with pytest.raises(InvalidInputError, match="responses is .*; give a list"):
        cat.group_of("q", responses)
