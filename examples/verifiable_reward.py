"""Verifiable rewards for rollouts that were sampled elsewhere: no labels, one anchor call.

python examples/verifiable_reward.py
"""

import anyio

import catsdk as cat

PROMPT = "482+395"
RESPONSES = (
    "c3: 2+5=7\nc2: 8+9=17\nc1: 4+3+1=8\n\\boxed{877}",
    "c3: 5+2=7\nc2: 8+9=17\nc1: 3+4=7\n\\boxed{777}",
    "c3: 2+5=7\nc2: 9+8=16\nc1: 4+3+1=8\n\\boxed{867}",
    "c3: 2+5=7\nc2: 9+8=17\nc1: 4+3+1=8\n\\boxed{877}",
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
