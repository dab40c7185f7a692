"""Ask a question from an application, within a budget, and look at the evidence.

    CATSDK_MODEL=openai:gpt-5 python examples/application.py "What is 17 * 23?"

Without CATSDK_MODEL it runs on the small model in the box, which can only do sums such as
4821673+3947851.
"""

import os
import sys

import anyio

import catsdk as cat


async def main(prompt: str) -> None:
    """Synthesize one answer from eight rollouts, and print how far to trust it."""
    reference = await cat.synthesize(
        prompt,
        n=8,
        model=os.environ.get("CATSDK_MODEL", "local"),
        budget=cat.Budget(requests=20),
    )
    print(reference.text)
    print(f"answer {reference.answer}, agreement of the rollouts {reference.agreement}")
    if reference.disagrees:
        print(f"it disagrees with the majority, {reference.majority}: worth a second look")
    for index, failure in reference.group.failures.items():
        print(f"rollout {index} failed: {failure}")
    print(f"{reference.usage.requests} requests, {reference.usage.tokens} tokens")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else "4821673+3947851")
