"""Sends a second copy of a straggling call: the first answer wins, the others are cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import anyio

from catsdk.core.concurrency.bell import Bell
from catsdk.core.concurrency.fanout import first_of
from catsdk.core.errors import CatError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.runtime.attribution import attribution, on_admitted
from catsdk.runtime.limits.endpoints import Extra
from catsdk.runtime.limits.gate import Gate
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Clock", "Hedging"]

COPIES = 3


class Clock:
    """Seconds of the running loop; a test gives one that it moves itself."""

    def now(self) -> float:
        """The time."""
        return anyio.current_time()

    async def wait(self, bell: Bell, seconds: float) -> None:
        """Wait until `bell` rings, and no longer than so many seconds."""
        with anyio.move_on_after(seconds):
            await bell.wait()


_OF_THE_LOOP = Clock()


@dataclass
class Hedging(Wrapper):
    """A provider around a `Limit` that sends a straggling call again.

    A call straggles when it is out for longer than nearly all others of its stage (see
    `Latencies.straggles_after`), counted from when it had its place in flight. Then a copy is
    sent, and after the same time once more. The first answer is returned; the others are
    cancelled, listed and paid. A failure counts only when no copy is left. A call whose text is
    passed on in pieces has no copies; none is sent while a Retry-After is in force, or past
    `share` of all calls.
    """

    gate: Gate
    extra: Extra
    share: float
    clock: Clock = _OF_THE_LOOP

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, more than once where it straggles.

        Raises:
            CatError: all copies failed; the first one's error.
        """
        if on_text is not None:
            return await self.pass_on(request, on_text)
        self.extra.calls += 1
        race = _Race(self, request, attribution().stage)
        try:
            await race.run()
        except BaseExceptionGroup as group:
            raise first_of(group) from None
        if race.result is None:
            assert race.error is not None
            raise race.error
        return race.result


@dataclass(slots=True, eq=False)
class _Race:
    hedge: Hedging
    request: Request
    stage: str
    bell: Bell = field(default_factory=Bell)
    started: int = 0
    out: int = 0
    # When the last copy was admitted; `None` while it waits in the queue.
    since: float | None = None
    result: Sequence[Completion] | None = None
    error: CatError | None = None

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                self.started += 1
                self.out += 1
                self.since = None
                tasks.start_soon(self._copy)
                await self._until_over_or_due()
                if self.result is not None or not self.out:
                    break
            tasks.cancel_scope.cancel()

    async def _copy(self) -> None:
        on_admitted(self._sent)
        try:
            answers = await self.hedge.pass_on(self.request)
            self.result = answers if self.result is None else self.result
        except CatError as error:
            self.error = self.error or error
        self.out -= 1
        self.bell.ring()

    def _sent(self) -> None:
        self.since = self.hedge.clock.now()
        self.bell.ring()

    async def _until_over_or_due(self) -> None:
        latencies = self.hedge.gate.latencies
        try:
            while self.result is None and self.out:
                due = self._due()
                if due is not None and self.hedge.clock.now() >= due and self._may_copy():
                    return
                if due is None and self.since is not None and self.started < COPIES:
                    latencies.tell_when_known(self.stage, self.bell)
                await self.hedge.clock.wait(self.bell, self._patience())
        finally:
            latencies.forget(self.stage, self.bell)

    def _due(self) -> float | None:
        """When the next copy is due; `None` while it is not known, or there is none."""
        known = self.hedge.gate.latencies.straggles_after(self.stage)
        if known is None or self.since is None or self.started >= COPIES:
            return None
        return self.since + known

    def _patience(self) -> float:
        due = self._due()
        return inf if due is None else max(0.0, due - self.hedge.clock.now())

    def _may_copy(self) -> bool:
        hedge = self.hedge
        if hedge.gate.paused_for == 0 and hedge.extra.take(hedge.share):
            return True
        # Check again after the same time.
        self.since = hedge.clock.now()
        return False
