"""Verifiable rewards for rollouts that were sampled elsewhere, without labels: one anchor call.

python examples/verifiable_reward.py
"""

import anyio

import catsdk as cat

PROMPT = "4821673+3947851"
RESPONSES = (
    (
        "c7: 3+1=4\nc6: 7+5=12\nc5: 6+8+1=15\nc4: 1+7+1=9\n"
        "c3: 2+4=6\nc2: 8+9=17\nc1: 4+3+1=8\n\\boxed{8769524}"
    ),
    (
        "c7: 3+1=4\nc6: 5+7=12\nc5: 6+8+1=15\nc4: 1+7+1=9\n"
        "c3: 2+4=6\nc2: 8+9=17\nc1: 3+4=7\n\\boxed{7769524}"
    ),
    (
        "c7: 3+1=4\nc6: 7+5=12\nc5: 6+8+1=15\nc4: 1+7+1=9\n"
        "c3: 2+4=6\nc2: 9+8=16\nc1: 4+3+1=8\n\\boxed{8669524}"
    ),
    (
        "c7: 3+1=4\nc6: 5+7=12\nc5: 6+8+1=15\nc4: 1+7+1=9\n"
        "c3: 2+4=6\nc2: 9+8=17\nc1: 4+3+1=8\n\\boxed{8769524}"
    ),
)


async def main() -> None:
    """Synthesize a reference from the responses, and reward each response by its final answer."""
    group = cat.group_of(PROMPT, RESPONSES)
    reference = await cat.Synthesizer("local", seed=0).estimate(group)
    print(f"reference answer: {reference.answer}")
    for score in await cat.AnswerReward().reward(group, reference):
        print(f"rollout {score.index}: reward {score.value} ({', '.join(score.reasons)})")


if __name__ == "__main__":
    anyio.run(main)
