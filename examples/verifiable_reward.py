"""Verifiable rewards for rollouts that were sampled elsewhere: no labels, one anchor call.

python examples/verifiable_reward.py
"""

import anyio

import catsdk as cat

PROMPT = "47+38-29"
RESPONSES = (
    "47+38=85\n85-29=56\n\\boxed{56}",
    "47+38=85\n85-29=66\n\\boxed{66}",
    "47+38=75\n75-29=46\n\\boxed{46}",
    "47+38=85\n85-29=56\n\\boxed{56}",
)


async def main() -> None:
    """Synthesize a reference from the responses, and reward each by its final answer."""
    group = cat.group_of(PROMPT, RESPONSES)
    reference = await cat.Synthesizer("local", seed=0).estimate(group)
    print(f"reference answer: {reference.answer}")
    for score in await cat.Reward().reward(group, reference):
        print(f"rollout {score.index}: reward {score.value} ({', '.join(score.reasons)})")


if __name__ == "__main__":
    anyio.run(main)
