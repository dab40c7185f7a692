"""One text has one answer, through whichever door it comes: a provider, a file, a trainer, HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

import catsdk as cat
from catsdk.evaluate.recorded import read_recorded
from catsdk.providers import OpenAIProvider
from catsdk.sampling.sampler import Sampler, group_of
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Group, Rollout
from catsdk_trainers.data.groups import groups_of

TEXTS = [
    ("<think>maybe \\boxed{41}</think>The answer is 42.", "42"),
    ("<think>maybe \\boxed{41} hmm", None),
    ("maybe \\boxed{41}</think>\nThe answer is 42.", "42"),
    ("<think>x \\boxed{41}</think>I cannot tell.", None),
    ("<think>\\boxed{7}</think> Answer: 42", "42"),
    ("[THINK]\\boxed{41}[/THINK]\n\n42", "42"),
    ("<think>a</think><think>\\boxed{41}</think>So the product is **42**.", "42"),
    ("The answer is not 42.", None),
    ('{"answer": "42"}', "42"),
    ("6 × 7 = 42", "42"),
]


def seen(group: Group) -> tuple[str | None, str, str | None]:
    """What a group of one rollout knows of it: answer, text and reasoning."""
    rollout: Rollout = group.rollouts[0]
    return rollout.answer, rollout.text, rollout.completion.reasoning


async def by_provider(text: str, folder: Path) -> Group:
    with LoopbackServer(FunctionProvider(lambda request: text)) as server:
        policy = OpenAIProvider(server.model, base_url=server.url, api_key=server.key)
        with anyio.fail_after(20):
            async with policy:
                return await Sampler(policy).sample("6*7?", 1)


async def by_hand(text: str, folder: Path) -> Group:
    return group_of("6*7?", [text])


async def by_file(text: str, folder: Path) -> Group:
    path = folder / "data.jsonl"
    path.write_text(json.dumps({"prompt": "6*7?", "samples": [text]}), encoding="utf-8")
    items, recorded = read_recorded(str(path))
    return await recorded.sample(items[0].prompt, 1)


async def by_text_of_a_trainer(text: str, folder: Path) -> Group:
    ((group, _),) = groups_of(["6*7?"], [text], {}, 1)
    return group


async def by_conversation_of_a_trainer(text: str, folder: Path) -> Group:
    tool = {"role": "tool", "content": "\\boxed{7}"}
    ((group, _),) = groups_of(["6*7?"], [[tool, {"role": "assistant", "content": text}]], {}, 1)
    return group


async def by_http(text: str, folder: Path) -> Group:
    pytest.importorskip("torch")
    from catsdk.serve.rewards.server import serving

    kept: list[Group] = []

    class Keeps(cat.Reward):
        """Keeps the group that it is asked to reward."""

        needs_reference = False

        async def score(
            self, group: Group, reference: cat.Reference | None, ctx: cat.Context
        ) -> list[float]:
            kept.append(group)
            return [1.0 for _ in group.rollouts]

    body: dict[str, Any] = {"prompt": "6*7?", "responses": [text]}
    with anyio.fail_after(20):
        async with (
            serving(cat.CaT(reward=Keeps()), group_size=1) as url,
            aiohttp.ClientSession() as session,
            session.post(f"{url}/v1/groups", json=body) as response,
        ):
            assert response.status == 200
    return kept[0]


@pytest.mark.behaviour("one-reading-at-every-door")
@pytest.mark.parametrize(("text", "answer"), TEXTS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.allow_blocking(reason="a file is read inside the loop")
async def test_a_text_has_one_answer_through_every_door(
    text: str, answer: str | None, tmp_path: Path
) -> None:
    first = seen(await by_provider(text, tmp_path))
    assert first[0] == answer
    assert "41" not in first[1]
    doors = (by_hand, by_file, by_text_of_a_trainer, by_conversation_of_a_trainer, by_http)
    for door in doors:
        assert seen(await door(text, tmp_path)) == first, door.__name__
