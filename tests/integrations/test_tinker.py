"""The cookbook's own rollout code rewards groups by a method; the service is scripted."""

# pyright: reportMissingImports=false

from __future__ import annotations

import multiprocessing
import pickle
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tinker_cookbook", reason="it has its own environment: make test-integrations")

import tinker
from tinker_cookbook.completers import TinkerTokenCompleter
from tinker_cookbook.renderers import Renderer
from tinker_cookbook.rl.rollout_strategy import RetryOnFailure
from tinker_cookbook.rl.rollouts import (
    do_group_rollout,
    do_group_rollout_and_filter_constant_reward,
    set_rollout_executor,
)
from tinker_cookbook.rl.types import Env, EnvGroupBuilder, Metrics, StepResult, Trajectory

import catsdk as cat
from catsdk.core.errors import (
    ConfigurationError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    UnsupportedError,
)
from catsdk.core.types import Criterion, Message, Provenance, Request, Rubric
from catsdk.integrations.tinker import (
    CaTGroupBuilder,
    NoGroupRewardError,
    TinkerModel,
    group_rewards,
)
from catsdk.rewards import SkipFlat, TruncationPenalty
from tests.integrations.plugins.scripted_tinker import END, Bytes, Scripted, renderer

httpx = pytest.importorskip("httpx")
pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

RUBRIC = Rubric(
    criteria=(Criterion(id="short", text="It is short."),),
    provenance=Provenance(method="by hand"),
)
FOUR, FIVE = r"So it is \boxed{4}.", r"So it is \boxed{5}."


def method(*anchor: str | Exception, reward: cat.Reward | None = None) -> cat.CaT:
    """A method whose frozen anchor says these texts in turn."""
    model = TinkerModel(Scripted(list(anchor)), renderer(), "base")
    return cat.CaT(estimator=cat.Synthesizer(model), reward=reward or cat.AnswerReward())


def asked_of_the_anchor(c: cat.CaT) -> list[tuple[str, tinker.SamplingParams]]:
    """What the anchor was asked, and how it was sampled."""
    assert isinstance(c.estimator, cat.Synthesizer)
    assert isinstance(c.estimator.anchor, TinkerModel)
    asked: list[tuple[str, tinker.SamplingParams]] = c.estimator.anchor.client.sampled
    return asked


def builder(c: cat.CaT, num_envs: int = 3, **settings: Any) -> CaTGroupBuilder:
    return CaTGroupBuilder("2+2?", c, renderer(), num_envs, **settings)


async def rolled(made: EnvGroupBuilder, *answers: str | Exception, **settings: Any) -> Any:
    """A group rollout as the cookbook's training loop asks for it."""
    return await do_group_rollout_and_filter_constant_reward(
        Scripted(list(answers)),
        made,
        max_tokens=64,
        temperature=1.0,
        do_remove_constant_reward_groups=False,
        **settings,
    )


async def test_a_group_is_rewarded_by_what_the_frozen_base_model_makes_of_it() -> None:
    c = method(FOUR)
    group = await rolled(builder(c), FOUR, FIVE, FOUR)
    assert group.get_total_rewards() == [1.0, 0.0, 1.0]
    assert [round(each["cat/agreement"], 2) for each in group.metrics_G] == [0.67] * 3
    ((asked, params),) = asked_of_the_anchor(c)
    assert "2+2?" in asked and asked.count(FOUR) == 2 and FIVE in asked
    assert params.stop == [END]


async def test_the_policy_is_asked_in_the_tokens_of_its_renderer() -> None:
    policy = Scripted([FOUR, FOUR])
    made = CaTGroupBuilder(
        [{"role": "system", "content": "Add."}, {"role": "user", "content": "2+2?"}],
        method(FOUR),
        renderer(),
        num_envs=2,
        tags=("sums",),
    )
    group = await do_group_rollout(made, TinkerTokenCompleter(policy, max_tokens=64))
    assert group.get_total_rewards() == [1.0, 1.0]
    assert policy.sampled[0][0] == "System: Add.\n\nUser: 2+2?\n\nAssistant:"
    assert made.logging_tags() == ["sums"]


async def test_a_sum_has_a_metric_for_each_part() -> None:
    reward = cat.AnswerReward() + 0.5 * cat.LengthPenalty(5)
    group = await rolled(builder(method(FOUR, reward=reward), 2), FOUR, FIVE)
    assert all({"cat/answer", "cat/length_penalty"} <= each.keys() for each in group.metrics_G)
    first, second = group.get_total_rewards()
    assert first - second == 1.0 and second < 0


async def test_the_row_holds_known_answers() -> None:
    c = cat.CaT(reward=cat.Gold())
    group = await rolled(builder(c, 2, row={"answer": "5"}), FOUR, FIVE)
    assert group.get_total_rewards() == [0.0, 1.0]


REFUSED = tinker.BadRequestError(
    "no such luck",
    response=httpx.Response(400, request=httpx.Request("POST", "http://127.0.0.1")),
    body=None,
)


@pytest.mark.parametrize("strategy", [None, RetryOnFailure()])
@pytest.mark.parametrize(
    ("dropped", "why"),
    [
        ("failed reference", "2 of 2 rollouts have no reward: .*no such luck"),
        ("failed judge", "judge: no such luck"),
        ("left out", "LeftOut"),
    ],
)
async def test_a_group_without_a_reward_is_dropped(
    dropped: str, why: str, strategy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    judge = TinkerModel(Scripted([REFUSED] * 9), renderer(), "judge")
    judged = cat.RubricReward(judge=cat.Judge(judge), rubric=RUBRIC)
    made = {
        "failed reference": method(REFUSED),
        "failed judge": method(FOUR, reward=judged),
        "left out": method(FOUR, reward=SkipFlat(cat.AnswerReward())),
    }[dropped]
    assert await rolled(builder(made, 2), FOUR, FOUR, strategy=strategy) is None
    (told,) = [each.getMessage() for each in caplog.records if "rollouts" in each.name]
    assert re.search(why, told)


async def test_a_dropped_group_says_why() -> None:
    policy = TinkerTokenCompleter(Scripted([FOUR, FIVE]), max_tokens=64)
    with pytest.raises(NoGroupRewardError, match="2 of 2 rollouts .*no such luck"):
        await do_group_rollout(builder(method(REFUSED), 2), policy)


async def test_a_set_up_that_is_wrong_ends_the_training() -> None:
    c = cat.CaT(estimator="openai:gpt-5", reward=cat.AnswerReward())
    with pytest.raises(ConfigurationError):
        await rolled(builder(c, 2), FOUR, FIVE)


async def test_what_was_cut_short_has_no_answer() -> None:
    policy = Scripted([r"It could be \boxed{4} or", r"It could be \boxed{4} or"], cut=True)
    c = cat.CaT(reward=TruncationPenalty(-0.5))
    group = await do_group_rollout(builder(c, 2), TinkerTokenCompleter(policy, max_tokens=64))
    assert all(reward < 0 for reward in group.get_total_rewards())


async def test_builders_can_be_pickled_with_their_frozen_base_model() -> None:
    made = pickle.loads(pickle.dumps(builder(method(FOUR))))
    group = await rolled(made, FOUR, FIVE, FOUR)
    assert group.get_total_rewards() == [1.0, 0.0, 1.0]


@pytest.mark.allow_blocking  # The executor is the cookbook's to start.
async def test_another_process_rolls_a_group_out() -> None:
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawned) as executor:
        set_rollout_executor(executor)
        try:
            group = await rolled(builder(method(FOUR)), FOUR, FIVE, FOUR)
            dropped = await rolled(builder(method(REFUSED_AFAR)), FOUR, FIVE, FOUR)
        finally:
            set_rollout_executor(None)
    assert group.get_total_rewards() == [1.0, 0.0, 1.0]
    assert dropped is None


REFUSED_AFAR = tinker.TinkerError("no such luck")


class Twice(Env):  # type: ignore[misc]
    """The policy answers, and is asked to check."""

    def __init__(self, made: Renderer) -> None:
        self.renderer, self.turns = made, [{"role": "user", "content": "2+2?"}]

    async def initial_observation(self) -> Any:
        return self.renderer.build_generation_prompt(self.turns), [END]

    async def step(self, action: list[int], *, extra: Any = None) -> StepResult:
        message, _ = self.renderer.parse_response(action)
        self.turns += [message, {"role": "user", "content": "Check it."}]
        return StepResult(
            reward=0.25,
            episode_done=len(self.turns) == 5,
            next_observation=self.renderer.build_generation_prompt(self.turns),
            next_stop_condition=[END],
        )


class TwiceBuilder(EnvGroupBuilder):  # type: ignore[misc]
    """A builder of a user's own, of two turns, with the reward in it."""

    def __init__(self, c: cat.CaT) -> None:
        self.cat, self.renderer = c, renderer()

    async def make_envs(self) -> Sequence[Env]:
        return [Twice(self.renderer) for _ in range(2)]

    async def compute_group_rewards(
        self, trajectory_group: list[Trajectory], env_group: Sequence[Env]
    ) -> list[tuple[float, Metrics]]:
        return await group_rewards(self.cat, "2+2?", trajectory_group, self.renderer)


async def test_a_builder_of_ones_own_adds_the_reward_over_all_turns() -> None:
    c = method(FOUR)
    group = await rolled(TwiceBuilder(c), "Hm, 4.", "Hm, 5.", FOUR, FIVE)
    assert sorted(group.get_total_rewards()) == [0.5, 1.5]
    ((asked, _),) = asked_of_the_anchor(c)
    assert "Hm, 4." in asked and "Check it." not in asked


async def test_the_model_counts_its_tokens_and_takes_its_settings() -> None:
    client = Scripted(["one", "three"])
    model = TinkerModel(client, renderer())
    asked = (Message(role="user", content="Which?"),)
    first, second = await model.complete(
        Request(messages=asked, n=2, temperature=0.5, max_tokens=9, stop=("\n",), seed=3)
    )
    assert (first.text, second.text, first.finish_reason) == ("one", "three", "stop")
    ((prompt, params),) = client.sampled
    assert (params.temperature, params.max_tokens, params.seed) == (0.5, 9, 3)
    assert params.stop == [END, "\n"]
    assert first.usage.input_tokens == len(prompt) == model.count_tokens(prompt)
    assert (first.usage.requests, first.usage.cached_tokens, second.usage.requests) == (1, 1, 0)
    assert second.usage.output_tokens == len(Bytes().encode(f" three{END}"))


async def test_what_tinker_cannot_do_is_refused_by_name() -> None:
    model = TinkerModel(Scripted([]), renderer())
    asked = (Message(role="user", content="Which?"),)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("json_schema", {"json_schema": {"type": "object"}}),
        ("logprobs", {"logprobs": True}),
        ("extra", {"extra": {"a": 1}}),
    ]
    for capability, setting in cases:
        with pytest.raises(UnsupportedError, match=capability):
            await model.complete(Request(messages=asked, **setting))


async def test_errors_of_the_service_are_those_of_any_model() -> None:
    response = httpx.Response(429, request=httpx.Request("POST", "http://127.0.0.1"))
    slow = tinker.RateLimitError("slow down", response=response, body=None)
    asked = Request(messages=(Message(role="user", content="Which?"),))
    with pytest.raises(RateLimitedError, match="slow down") as caught:
        await TinkerModel(Scripted([slow]), renderer()).complete(asked)
    assert caught.value.status == 429
    with pytest.raises(ProviderError, match="no such luck"):
        await TinkerModel(Scripted([REFUSED_AFAR]), renderer()).complete(asked)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"cat": cat.CaT(estimator=cat.Majority())}, "has no reward"),
        ({"num_envs": 0}, "0"),
        ({"prompt": ""}, "empty"),
    ],
)
async def test_what_makes_no_group_is_refused_before_an_answer(
    settings: dict[str, Any], named: str
) -> None:
    usual = {"prompt": "2+2?", "cat": method(), "renderer": renderer(), "num_envs": 2}
    with pytest.raises(InvalidInputError, match=named):
        CaTGroupBuilder(**usual | settings)


@pytest.mark.allow_blocking  # The page is read.
async def test_the_code_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    section = page.partition("\n## Tinker")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "documentation"}
    exec(compile(block, "docs", "exec", dont_inherit=True), names)  # noqa: S102
    dataset = names["questions"](["2+2?", "3+1?"], Scripted([FOUR] * 2), renderer())
    assert len(dataset) == 1
    for made in dataset.get_batch(0):
        group = await rolled(made, FOUR, *[FIVE] * 7)
        assert group.get_total_rewards() == [1.0] + [0.0] * 7
