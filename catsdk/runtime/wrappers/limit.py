"""Admits each call through the gate of its endpoint, in fair turns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.errors import OverloadedError, RateLimitedError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.attribution import attribution
from catsdk.runtime.limits.gate import Gate
from catsdk.runtime.wrappers.wrapper import ScoreRequest, Wrapper

__all__ = ["Limit"]

_ANSWER = 1024

_log = logging.getLogger("catsdk.calls")


@dataclass
class Limit(Wrapper):
    """A provider whose calls pass `gate`, which says how many are in flight and how fast.

    Calls wait in turns that are fair between stages. A refusal (429, 503) shrinks the limit, and
    its Retry-After holds every call of the endpoint and model back, not only this one.
    """

    gate: Gate

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on once there is a place.

        Raises:
            RateLimitedError: also where the service asked for a longer wait than is allowed.
        """
        tokens = self._expected(request) if self.gate.limits.tokens_per_minute else 0.0
        here = attribution()
        admitted = await self.gate.enter(here.stage, here.rank, tokens)
        try:
            # The clock of a hedge starts here, not in the queue.
            if here.admitted is not None:
                here.admitted()
            completions = await self.pass_on(request, on_text)
        except (RateLimitedError, OverloadedError) as error:
            self.gate.refused(admitted, error.retry_after)
            self._log_refusal(error)
            raise
        except BaseException:
            self.gate.leave(admitted)
            raise
        usage = Usage.total(completion.usage for completion in completions)
        used = None if usage.unreported else usage.tokens
        self.gate.leave(admitted, answered=True, used=used, answers=max(1, len(completions)))
        return completions

    def _log_refusal(self, error: RateLimitedError | OverloadedError) -> None:
        asked = "" if error.retry_after is None else f", Retry-After {error.retry_after:g} s"
        _log.info(
            "%s: refused (%s)%s; %d calls may be in flight now",
            self.name,
            error.status or type(error).__name__,
            asked,
            self.gate.allowed,
        )

    def _expected(self, request: Request) -> float:
        prompt = sum(self.count_tokens(message.shown) for message in request.messages)
        return prompt + request.n * _answer(request)


def _answer(request: Request) -> int:
    # Scoring generates no answer.
    return 0 if isinstance(request, ScoreRequest) else request.max_tokens or _ANSWER
