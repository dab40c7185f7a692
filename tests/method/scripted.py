"""A scripted policy, anchor and judge for whole runs, with what each of them was asked."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.core.types import Request
from catsdk.testing import FunctionProvider

LETTERS = ("4", "4", "5", "4")


def policy(answers: Sequence[str] = LETTERS) -> FunctionProvider:
    """Answers one prompt with the given answers, in their order."""

    def script(request: Request) -> list[str]:
        chosen = [answers[(request.sample_index + at) % len(answers)] for at in range(request.n)]
        return [f"so \\boxed{{{answer}}}" for answer in chosen]

    return FunctionProvider(script, name="policy")


def anchor(answer: str = "4", name: str = "anchor") -> FunctionProvider:
    """Synthesizes `answer`, and writes five criteria when it is asked for them."""

    def script(request: Request) -> str:
        if "criteria" in request.messages[-1].text.lower():
            return '{"criteria": ["a", "b", "c", "d", "e"]}'
        return f"# SUMMARY\nthey differ\n# UNIFIED RESPONSE\nit is\n\\boxed{{{answer}}}"

    return FunctionProvider(script, name=name)


def judge(verdict: str = "yes", name: str = "judge") -> FunctionProvider:
    """Gives every criterion the same verdict."""
    return FunctionProvider(lambda _: verdict, name=name)
