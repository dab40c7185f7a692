"""A taskset of sums for verifiers, and a harness that plays it in this process."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import verifiers.v1 as vf
from openai import AsyncOpenAI

__all__ = ["SumsHarness", "SumsTaskset"]


class SumsData(vf.TaskData):  # type: ignore[misc]
    answer: str


class SumsTask(vf.Task[SumsData]):  # type: ignore[misc]
    @vf.reward  # type: ignore[untyped-decorator]
    async def correct(self, trace: vf.Trace) -> float:
        return float(f"boxed{{{self.data.answer}}}" in trace.last_reply)


class SumsTaskset(vf.Taskset[SumsTask]):  # type: ignore[misc]
    def load(self) -> Iterable[SumsTask]:
        for left in (2, 3):
            system = "Add." if left == 2 else None
            data = SumsData(prompt=f"{left}+2?", system_prompt=system, answer=str(left + 2))
            yield SumsTask(data, self.config.task)


class SumsHarnessConfig(vf.HarnessConfig):  # type: ignore[misc]
    turns: int = 1
    """How often the policy speaks; between its turns the user says `go on`."""


class SumsHarness(vf.Harness[SumsHarnessConfig]):  # type: ignore[misc]
    APPENDS_SYSTEM_PROMPT = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: vf.ModelContext,
        trace: vf.Trace,
        runtime: vf.Runtime,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
    ) -> vf.ProgramResult:
        system, prompt = self.resolve_text_prompt(data)
        said: list[Any] = [{"role": "system", "content": system}] if system else []
        said.append({"role": "user", "content": prompt})
        async with AsyncOpenAI(base_url=endpoint, api_key=secret, max_retries=0) as client:
            for turn in range(self.config.turns):
                if turn:
                    said.append({"role": "user", "content": "go on"})
                reply = await client.chat.completions.create(model=ctx.model, messages=said)
                said.append({"role": "assistant", "content": reply.choices[0].message.content})
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")
