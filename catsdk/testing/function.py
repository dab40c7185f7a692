"""FunctionProvider: a scripted model, for tests and for glue around one's own code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Request, Usage

__all__ = ["FunctionProvider"]

Reply = str | Completion | Sequence[str | Completion]
Script = Callable[[Request], Reply | Awaitable[Reply]]


@dataclass
class FunctionProvider:
    r"""A provider that answers with what a function returns, for tests and for glue.

    Args:
        script: A function of the request, plain or async. It returns one reply, which stands for
            all n, or a list with one for each. A text is a completion whose usage counts words as
            tokens, the prompt's with the first of n; a `Completion` stays as it is.
        name: The name its calls are listed under.
        capabilities: What it declares.
        requests: The requests received.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: [r"\boxed{4}", r"\boxed{5}"])
        >>> group = await cat.CaT(policy).sample("2+2?", n=2)
        >>> [rollout.answer for rollout in group.rollouts], len(policy.requests)
        (['4', '5'], 1)
    """

    # Its calls cost no money, unless a price is given for them.
    free: ClassVar[bool] = True

    script: Script = field(repr=False)
    name: str = "function"
    capabilities: Capabilities = field(
        default=Capabilities(n=True, seed=True, streaming=True), repr=False
    )
    requests: list[Request] = field(default_factory=list[Request], repr=False)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer with the script; `on_text` gets the first text line by line."""
        self.requests.append(request)
        scripted = self.script(request)
        reply = await scripted if isinstance(scripted, Awaitable) else scripted
        replies = [reply] * request.n if isinstance(reply, str | Completion) else list(reply)
        completions = [self._completion(each, request, at) for at, each in enumerate(replies)]
        if on_text is not None and completions:
            for piece in completions[0].text.splitlines(keepends=True):
                on_text(piece)
        return completions

    def _completion(self, reply: str | Completion, request: Request, at: int) -> Completion:
        if isinstance(reply, Completion):
            return reply
        prompt = sum(len(message.text.split()) for message in request.messages)
        usage = Usage(
            input_tokens=0 if at else prompt,
            output_tokens=len(reply.split()),
            requests=0 if at else 1,
        )
        return Completion(text=reply, usage=usage, model=self.name)
