"""A sampler's seeds make a group repeatable, and different prompts and policies independent."""

import pytest

from catsdk.core.options import Sampling
from catsdk.core.ports import Capabilities
from catsdk.core.types import Request
from catsdk.sampling.sampler import Sampler
from catsdk.testing import FunctionProvider

SEEDED = Capabilities(seed=True)


def echo(name: str = "m", able: Capabilities = SEEDED) -> FunctionProvider:
    """Answers with the seed that it was given."""
    return FunctionProvider(lambda request: str(request.seed), name=name, capabilities=able)


async def seeds(sampler: Sampler, prompt: str = "q", n: int = 4) -> list[str]:
    return [rollout.text for rollout in (await sampler.sample(prompt, n)).rollouts]


@pytest.mark.behaviour("seed-repeats-a-group")
async def test_a_seed_gives_each_rollout_its_own_and_repeats_them() -> None:
    first = await seeds(Sampler(echo(), seed=1))
    assert len(set(first)) == 4
    assert await seeds(Sampler(echo(), seed=1)) == first


async def test_another_seed_or_prompt_shares_none_of_them() -> None:
    first = set(await seeds(Sampler(echo(), seed=1)))
    assert first.isdisjoint(await seeds(Sampler(echo(), seed=2)))
    assert first.isdisjoint(await seeds(Sampler(echo(), seed=1), "another q"))


@pytest.mark.behaviour("seed-repeats-a-group")
async def test_a_larger_group_begins_with_the_smaller_one() -> None:
    sampler = Sampler(echo(), seed=1)
    assert (await seeds(sampler, n=6))[:3] == await seeds(sampler, n=3)


async def test_several_policies_take_turns_and_share_no_seed() -> None:
    one, two = echo("one"), echo("two")
    group = await Sampler([one, two], seed=1).sample("q", 5)
    assert [rollout.completion.model for rollout in group.rollouts] == [
        "one", "two", "one", "two", "one",
    ]  # fmt: skip
    assert len({rollout.text for rollout in group.rollouts}) == 5


async def test_without_a_seed_or_the_capability_none_is_sent() -> None:
    assert await seeds(Sampler(echo()), n=1) == ["None"]
    assert await seeds(Sampler(echo(able=Capabilities()), seed=1), n=1) == ["None"]


async def test_the_sampling_settings_reach_the_model() -> None:
    model = echo()
    sampling = Sampling(temperature=0.7, top_p=0.8, top_k=20, max_tokens=64, stop=("x",))
    await Sampler(model, sampling).sample("q", 2)
    wanted = Request(messages=model.requests[0].messages, **dict(sampling))
    assert sorted(model.requests, key=lambda request: request.sample_index) == [
        wanted,
        wanted.model_copy(update={"sample_index": 1}),
    ]


@pytest.mark.parametrize("policies", [1, 2, 3])
async def test_a_part_of_a_group_is_what_the_whole_group_has_there(policies: int) -> None:
    able = Capabilities(seed=True)

    def model(at: int) -> FunctionProvider:
        def script(request: Request) -> str:
            return f"{at} {request.seed} {request.sample_index}"

        return FunctionProvider(script, capabilities=able)

    models = [model(at) for at in range(policies)]
    sampler = Sampler(models, seed=5)
    whole = await sampler.sample("q", 7)
    for start, n in [(0, 3), (2, 4), (5, 1), (6, 1)]:
        part = await sampler.sample("q", n, start=start)
        assert part.rollouts == whole.rollouts[start : start + n]
        assert part.failures == {}
