"""Contestants: the reward of one training step, computed for TRL in five ways.

`catsdk` is the reward of a CaT. `plain` is a synchronous function that makes one call after
another. `asynchronous` is an async reward function for TRL, as a user would write it, with all
calls concurrent through the vendor's SDK. `bare` makes as many `openai[aiohttp]` calls and does
nothing else. `posts` makes the method's calls in their two stages with plain aiohttp posts, and
only parses the JSON.
"""

import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import anyio

from benchmarks.contestants.harness import Target

PROMPT = "A train leaves at noon and another one at two. " * 8
RESPONSE = "Both trains meet after two hours and a half, as the sum shows. " * 4
QUESTION = "Here are responses to one problem; write one answer from them.\n\n{texts}"
JUDGED = "Does this response meet the criterion? yes or no.\nIt agrees with: {answer}\n\n{text}"

# Open until the process ends.
_KEPT = ExitStack()

Reward = Callable[..., list[float | None]]


def rows(groups: int, size: int, step: int = 0) -> dict[str, list[Any]]:
    """The rows that TRL passes: each prompt `size` times in a row; no two steps share a text."""
    return {
        "prompts": [f"item {at}: {PROMPT}" for at in range(groups) for _ in range(size)],
        "completions": [
            f"{RESPONSE} {step} {at} {of}\n\\boxed{{{7 + of % 2}}}"
            for at in range(groups)
            for of in range(size)
        ],
    }


def catsdk(target: Target, size: int) -> Reward:
    """The reward of a CaT: synthesis by the anchor, then one criterion for each response."""
    import catsdk as cat
    from catsdk.train import reward
    from catsdk.types import Provenance

    class OneCriterion:
        async def propose(self, reference: cat.Reference, ctx: cat.Context) -> cat.Rubric:
            criterion = cat.Criterion(id="1", text=f"It agrees with: {reference.answer}")
            return cat.Rubric(criteria=(criterion,), provenance=Provenance(method="fixed"))

    # Given as a string, the model is opened and closed by the reward.
    os.environ |= {"OPENAI_BASE_URL": target.url, "OPENAI_API_KEY": target.key}
    model = f"openai:{target.model}"
    c = cat.CaT(
        estimator=cat.Synthesizer(model),
        reward=cat.RubricReward(proposer=OneCriterion(), judge=model),
        client=cat.Client(limits=cat.Limits(in_flight=512, adaptive=False)),
    )
    return reward(c, size)


def plain(target: Target, size: int) -> Reward:
    """A synchronous function that makes one call after another."""
    from openai import OpenAI

    client = OpenAI(base_url=target.url, api_key=target.key)

    def ask(text: str) -> str:
        reply = client.chat.completions.create(
            model=target.model, messages=[{"role": "user", "content": text}], max_tokens=256
        )
        return reply.choices[0].message.content or ""

    def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float | None]:
        rewards: list[float | None] = []
        for at in range(0, len(completions), size):
            group = completions[at : at + size]
            answer = ask(QUESTION.format(texts="\n\n".join(group)))
            rewards += [
                float("yes" in ask(JUDGED.format(answer=answer, text=text))) for text in group
            ]
        return rewards

    return reward


def asynchronous(target: Target, size: int) -> Reward:
    """An async reward function; as in TRL, one event loop is kept for all of them."""
    from anyio.from_thread import start_blocking_portal
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=target.url, api_key=target.key)
    portal = _KEPT.enter_context(start_blocking_portal())

    async def ask(text: str) -> str:
        reply = await client.chat.completions.create(
            model=target.model, messages=[{"role": "user", "content": text}], max_tokens=256
        )
        return reply.choices[0].message.content or ""

    async def reward(completions: list[str]) -> list[float | None]:
        rewards: list[float | None] = [None] * len(completions)

        async def judge(at: int, answer: str) -> None:
            said = await ask(JUDGED.format(answer=answer, text=completions[at]))
            rewards[at] = float("yes" in said)

        async def one(start: int) -> None:
            group = completions[start : start + size]
            answer = await ask(QUESTION.format(texts="\n\n".join(group)))
            async with anyio.create_task_group() as tasks:
                for at in range(start, start + size):
                    tasks.start_soon(judge, at, answer)

        async with anyio.create_task_group() as tasks:
            for start in range(0, len(completions), size):
                tasks.start_soon(one, start)
        return rewards

    return lambda prompts, completions, **_: portal.call(reward, completions)


def bare(target: Target, size: int) -> Reward:
    """As many `openai[aiohttp]` calls, all concurrent."""
    from benchmarks.contestants.with_openai import opened, text_of

    async def call_all(texts: list[str]) -> None:
        async with opened(target) as client, anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(text_of, client, target, f"criterion {text}")

    def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float | None]:
        texts = [*completions, *completions[::size]]
        anyio.run(call_all, texts)
        return [1.0] * len(completions)

    return reward


def posts(target: Target, size: int) -> Reward:
    """The same requests in two stages on open connections: the least a client can do."""
    import aiohttp
    from anyio.from_thread import start_blocking_portal

    portal = _KEPT.enter_context(start_blocking_portal())
    url, headers = f"{target.url}/chat/completions", {"authorization": f"Bearer {target.key}"}

    @asynccontextmanager
    async def session() -> AsyncGenerator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as opened:
            yield opened

    client = _KEPT.enter_context(portal.wrap_async_context_manager(session()))

    async def post(text: str) -> str:
        body = {"model": target.model, "messages": [{"role": "user", "content": text}]}
        async with client.post(url, data=json.dumps(body), headers=headers) as reply:
            return str(json.loads(await reply.read())["choices"][0]["message"]["content"])

    async def reward(completions: list[str]) -> list[float | None]:
        async def one(start: int) -> None:
            group = completions[start : start + size]
            answer = await post(QUESTION.format(texts="\n\n".join(group)))
            async with anyio.create_task_group() as tasks:
                for text in group:
                    tasks.start_soon(post, JUDGED.format(answer=answer, text=text))

        async with anyio.create_task_group() as tasks:
            for start in range(0, len(completions), size):
                tasks.start_soon(one, start)
        return [1.0] * len(completions)

    return lambda prompts, completions, **_: portal.call(reward, completions)


MAKERS = {
    "catsdk": catsdk,
    "plain": plain,
    "asynchronous": asynchronous,
    "bare": bare,
    "posts": posts,
}


def main() -> None:
    """Read a step per line (groups, size, contestant); answer with wall and CPU seconds."""
    made: dict[str, Reward] = {}
    for number, line in enumerate(sys.stdin):
        order = json.loads(line)
        target, size = Target(**order["target"]), order["size"]
        if order["who"] not in made:
            made[order["who"]] = MAKERS[order["who"]](target, size)
            made[order["who"]](**rows(1, size))
        reward = made[order["who"]]
        step = rows(order["groups"], size, number + 1)
        wall, cpu = time.monotonic(), time.process_time()
        rewards = reward(**step)
        told = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(told | {"rewarded": sum(r is not None for r in rewards)}), flush=True)


if __name__ == "__main__":
    main()
