"""CaT does the whole method on any provider, counts it, and loses nothing that was paid for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.errors import (
    BudgetExceededError,
    ConfigurationError,
    InvalidInputError,
    NoEvidenceError,
    NoModelError,
    RequestRefusedError,
    ServerError,
    SynthesisFailedError,
)
from catsdk.events import (
    EstimationStarted,
    ReferenceReady,
    ResultReady,
    RewardsReady,
    RolloutArrived,
    RolloutFailed,
    RubricReady,
    TextArrived,
)
from catsdk.testing import FunctionProvider
from catsdk.types import Completion, Request

ANSWERS = ("4", "4", "5", "4")

from tests.hanging import Hanging
from tests.method.scripted import anchor


def policy(answers: tuple[str, ...] = ANSWERS) -> FunctionProvider:
    """Answers one prompt with the given answers, in order."""

    def script(request: Request) -> list[str]:
        return [f"so \\boxed{{{answer}}}" for answer in answers[: request.n]]

    return FunctionProvider(script, name="policy")


def judge(reply: Callable[[str], str]) -> FunctionProvider:
    return FunctionProvider(lambda request: reply(request.messages[-1].text), name="judge")


@pytest.mark.behaviour("every-call-is-listed")
async def test_the_whole_method_runs_and_every_call_is_listed() -> None:
    says = judge(lambda text: "no" if "\ne\n</criterion" in text else "yes")
    by_rubric = cat.RubricReward(judge=says)
    with anyio.fail_after(5):
        async with cat.CaT(policy(), estimator=anchor(), reward=by_rubric) as c:
            group = await c.sample("2+2", n=4)
            reference = await c.synthesize(group)
            scores = await c.reward(group, reference)
            by_answer = await cat.AnswerReward().reward(group, reference)
            asked = len(says.requests)
            whole = await c.run(group)
    assert [score.value for score in by_answer] == [1.0, 1.0, 0.0, 1.0]
    assert [score.value for score in scores] == [0.8] * 4
    assert (reference.text, reference.rationale) == ("it is\n\\boxed{4}", "they differ")
    assert (reference.answer, reference.majority, reference.agreement) == ("4", "4", 0.75)
    assert reference.disagrees is False
    assert [call.stage for call in reference.calls] == ["synthesize"]
    assert (group.usage.requests, reference.usage.requests) == (1, 2)
    verdicts = [verdict for score in scores for verdict in score.verdicts]
    distinct = 5 * len({rollout.text for rollout in group.rollouts})
    assert sum(len(verdict.calls) for verdict in verdicts) == distinct == asked
    assert (whole.rewards, whole.group, len(whole.rubrics)) == ((0.8,) * 4, group, 1)
    # Verdicts that were given before are not paid for again.
    assert [call.stage for call in whole.calls] == ["propose_rubric"]


async def test_a_reference_that_departs_from_the_majority_says_so() -> None:
    reference = await cat.CaT(policy(), estimator=anchor("5")).synthesize("2+2", n=4)
    assert (reference.answer, reference.majority, reference.disagrees) == ("5", "4", True)


async def test_several_policies_share_a_group() -> None:
    one, two = policy(("1", "1")), policy(("2", "2"))
    group = await cat.CaT([one, two], estimator=anchor()).sample("2+2", n=4)
    assert [rollout.answer for rollout in group.rollouts] == ["1", "2", "1", "2"]
    assert group.usage.requests == 2


async def test_any_object_with_the_one_method_is_a_model() -> None:
    class Mine:
        async def complete(
            self, request: Request, on_text: Callable[[str], None] | None = None
        ) -> list[Completion]:
            return [Completion(text="so \\boxed{4}")] * request.n

    with anyio.fail_after(5):
        reference = await cat.synthesize("2+2", n=3, model=Mine())
    assert (reference.answer, reference.agreement) == ("4", 1.0)
    assert {call.model for call in reference.group.calls} == {"Mine"}


async def test_no_model_is_an_error_that_says_how_to_set_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CATSDK_MODEL", raising=False)
    with pytest.raises(NoModelError, match="CATSDK_MODEL"):
        await cat.synthesize("2+2")
    monkeypatch.setenv("CATSDK_MODEL", "nowhere:x")
    with pytest.raises(
        ConfigurationError, match=r"'nowhere'.*Known: .*openai, .*local \(extra local\)"
    ):
        await cat.synthesize("2+2")


async def test_bad_input_is_refused_before_anything_is_sent() -> None:
    model = policy()
    for prompt, n in (("", 4), ("2+2", 0), ("2+2", 10**9), ([{"role": "user", "content": 1}], 4)):
        with pytest.raises(InvalidInputError):
            await cat.synthesize(prompt, n, model)
    assert model.requests == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"policy": 5}, "policy is 5; give a model string such as"),
        ({"policy": [5]}, "policy is 5; give a model string such as"),
        ({"policy": object()}, "policy is <object .*; give a model string such as"),
        ({"policy": "local", "estimator": object()}, "estimator is <object .*; give a model str"),
        ({"policy": "local", "reward": 5}, "reward is 5; give a reward such as"),
        ({"policy": "local", "client": {"hedge": True}}, "client is {'hedge': True}; give a Cl"),
        ({"policy": "local", "answers": "math"}, "answers is 'math'; give Answers"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_named_with_the_fix(
    wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        cat.CaT(**wrong)


async def test_a_model_of_the_wrong_kind_is_named_by_the_parts_of_the_method_too() -> None:
    wrong: Any = 5
    with pytest.raises(InvalidInputError, match="model is 5; give a model string"):
        await cat.Synthesizer(wrong).estimate(cat.group_of("2+2", ["4"]))
    with pytest.raises(InvalidInputError, match="policy is 5; give a model string"):
        await cat.synthesize("2+2", model=[wrong])


@pytest.mark.behaviour("failed-rollout-is-data")
async def test_a_failed_rollout_is_data_and_gets_no_reward() -> None:
    def script(request: Request) -> str:
        if request.seed == seeds[0] + 1:
            raise ServerError("boom", status=400)
        return "\\boxed{4}"

    able = cat.Capabilities(seed=True)
    probe = FunctionProvider(lambda _: "\\boxed{4}", capabilities=able)
    c = cat.CaT(cat.Sampler(probe, seed=3), estimator=anchor())
    await c.sample("2+2", n=1)
    seeds = [request.seed or 0 for request in probe.requests]
    sampler = cat.Sampler(FunctionProvider(script, capabilities=able), seed=3)
    flaky = cat.CaT(sampler, estimator=anchor(), reward=cat.AnswerReward())
    with anyio.fail_after(30):
        group = await flaky.sample("2+2", n=3)
        reference = await flaky.synthesize(group)
        scores = await flaky.reward(group, reference)
    assert [rollout.index for rollout in group.rollouts] == [0, 2]
    assert group.failures[1].kind == "ServerError"
    assert [score.value for score in scores] == [1.0, None, 1.0]
    assert scores[1].failure == group.failures[1]


async def test_when_every_rollout_fails_the_error_names_the_cause() -> None:
    def script(request: Request) -> str:
        raise BudgetExceededError("nothing left")

    with pytest.raises(NoEvidenceError, match=r"all 3 rollouts failed.*nothing left"):
        await cat.synthesize("2+2", 3, FunctionProvider(script))


async def test_when_every_rollout_fails_the_error_has_the_group_and_what_it_cost() -> None:
    def script(request: Request) -> str:
        used = cat.Usage(input_tokens=7, output_tokens=5, requests=1)
        raise RequestRefusedError("no", status=200, usage=used)

    with pytest.raises(NoEvidenceError) as caught:
        await cat.synthesize("2+2", 3, FunctionProvider(script, capabilities=cat.Capabilities()))
    error = caught.value
    assert error.group is not None
    assert {failure.kind for failure in error.group.failures.values()} == {"RequestRefusedError"}
    assert len(error.group.calls) == 3
    assert (error.usage.requests, error.usage.tokens) == (3, 36)
    assert error.result is not None
    assert error.result.usage == error.usage


@pytest.mark.behaviour("late-failure-keeps-the-group")
async def test_a_failing_anchor_does_not_lose_the_group() -> None:
    def script(request: Request) -> str:
        raise InvalidInputError("no")

    with pytest.raises(SynthesisFailedError) as caught:
        await cat.synthesize("2+2", 4, policy(), anchor=FunctionProvider(script))
    assert len(caught.value.group.rollouts) == 4


@pytest.mark.behaviour("budget-leaves-a-partial-result")
async def test_a_budget_ends_the_work_with_a_partial_result() -> None:
    teacher = anchor()
    reference = await cat.synthesize(
        "2+2", 4, policy(), anchor=teacher, budget=cat.Budget(requests=1)
    )
    assert reference.partial
    assert (reference.answer, reference.provenance.method) == ("4", "majority")
    assert teacher.requests == []


async def test_a_token_budget_imposes_max_tokens_where_none_is_set() -> None:
    model = policy()
    budget = cat.Budget(tokens=100_000, answer_tokens=77)
    await cat.synthesize("2+2", 4, model, anchor=anchor(), budget=budget)
    assert [request.max_tokens for request in model.requests] == [77]


async def test_a_token_budget_too_small_for_one_call_is_refused_before_it_is_sent() -> None:
    model = policy()
    with pytest.raises(NoEvidenceError, match="1,000 tokens .* max_tokens"):
        await cat.synthesize("2+2", 4, model, budget=cat.Budget(tokens=1000))
    assert model.requests == []


async def test_a_stream_tells_each_step_and_ends_with_the_result() -> None:
    by_rubric = cat.RubricReward(judge=judge(lambda _: "yes"))
    with anyio.fail_after(5):
        async with cat.CaT(policy(), estimator=anchor(), reward=by_rubric) as c:
            events = [event async for event in c.stream("2+2", n=4)]
    kinds = [type(event) for event in events if not isinstance(event, TextArrived)]
    assert kinds == [
        *[RolloutArrived] * 4,
        *[EstimationStarted, ReferenceReady, RubricReady, RewardsReady, ResultReady],
    ]
    pieces = [event for event in events if isinstance(event, TextArrived)]
    last = events[-1]
    assert isinstance(last, ResultReady) and last.result.text is not None
    assert "".join(piece.text for piece in pieces).endswith(last.result.text)
    assert "SUMMARY" in "".join(piece.text for piece in pieces)
    assert "".join(piece.response for piece in pieces) == last.result.text
    assert last.result.rewards == (1.0,) * 4


async def test_an_error_of_a_streamed_run_is_raised_from_the_stream() -> None:
    def script(request: Request) -> str:
        raise InvalidInputError("no")

    seen: list[object] = []
    with anyio.fail_after(5):
        async with cat.CaT(FunctionProvider(script)) as c:
            with pytest.raises(NoEvidenceError):
                async for event in c.stream("2+2", n=2):
                    seen += [event]
    assert [type(event) for event in seen] == [RolloutFailed, RolloutFailed]


@pytest.mark.behaviour("cancelling-stops-requests")
async def test_leaving_a_stream_cancels_its_requests() -> None:
    call = Hanging()
    with anyio.fail_after(5):
        async with cat.CaT(FunctionProvider(call)) as c:
            async with c.stream("2+2", n=2):
                await call.started.wait()
            await call.cancelled.wait()


async def test_a_stream_needs_an_open_cat() -> None:
    with pytest.raises(ConfigurationError, match="async with CaT"):
        cat.CaT(policy()).stream("2+2")


async def test_an_error_inside_the_block_is_not_wrapped() -> None:
    with pytest.raises(ZeroDivisionError):
        async with cat.CaT(policy()):
            raise ZeroDivisionError


@pytest.mark.behaviour("cancelling-stops-requests")
async def test_cancelling_from_outside_stops_all_requests() -> None:
    call = Hanging(3)
    model = FunctionProvider(call, capabilities=cat.Capabilities())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cat.synthesize, "2+2", 3, model)
            await call.started.wait()
            tasks.cancel_scope.cancel()
    assert call.running == 0
