"""Many groups through a server on which everything goes wrong, and what has to be true of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from resource import RUSAGE_SELF, getrusage
from time import monotonic

from catsdk import CaT, Reference, Sampling
from catsdk.core import errors
from catsdk.core.events import CallEnded, CallStarted, RuntimeEvent
from catsdk.core.pipeline import Mapped
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.runtime import Runtime
from catsdk.core.types import Completion, Failure, Group, Request, Usage
from catsdk.middleware.watch import watching
from catsdk.testing import LoopbackServer, chaos
from catsdk.testing.loopback import TakesN
from catsdk_providers.openai import OpenAIProvider

__all__ = ["Outcome", "run"]

ROLLOUTS = 8
IN_FLIGHT = 64
GROUP = re.compile(r"group (\d+)")
MAY_NOT_ARRIVE = ("TimedOutError", "ConnectionFailedError")
TYPED = set(errors.__all__)
RUNTIME = Runtime(max_in_flight=IN_FLIGHT, timeout=2.0, max_retries=2, call_deadline=60.0)


class Numbered:
    """A model none of whose answers comes twice; it remembers all of them."""

    name = "numbered"
    capabilities = Capabilities(n=True)

    def __init__(self) -> None:
        self.given: dict[str, int] = {}

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        found = GROUP.search(request.messages[-1].text)
        assert found is not None
        group = int(found[1])
        return [self._answer(group, first=at == 0) for at in range(request.n)]

    def _answer(self, group: int, *, first: bool) -> Completion:
        text = f"group {group}, answer {len(self.given)}: \\boxed{{{len(self.given) % 3}}}"
        self.given[text] = group
        return Completion(
            text=text, usage=Usage(input_tokens=7 * first, output_tokens=5, requests=int(first))
        )


@dataclass
class Outcome:
    """What the run came to."""

    groups: int
    results: int = 0
    failures: Counter[str] = field(default_factory=Counter[str])
    lost_rollouts: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    requests: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0


@dataclass
class Watched:
    """What was sent, by what the runtime tells."""

    begun: int = 0
    sent: int = 0
    in_flight: int = 0
    most: int = 0
    may_be_lost: int = 0
    usage: Usage = field(default_factory=Usage)

    def on_event(self, event: RuntimeEvent) -> None:
        if isinstance(event, CallStarted):
            self.begun += 1
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        elif isinstance(event, CallEnded):
            self.in_flight -= 1
            self.sent += event.sent
            failure = event.call.failure
            self.may_be_lost += failure is not None and failure.kind in MAY_NOT_ARRIVE
            self.usage += event.call.usage


async def run(groups: int, *, seed: int, takes_n: TakesN = "refuses") -> Outcome:
    """Synthesize for `groups` prompts in chaos, and check all that came of it."""
    model, seen = Numbered(), Watched()
    outcomes: dict[int, Mapped[str, Reference]] = {}
    start, memory = monotonic(), getrusage(RUSAGE_SELF).ru_maxrss
    async with LoopbackServer(model, takes_n=takes_n, weather=chaos(seed)) as server:
        provider = OpenAIProvider(server.model, base_url=server.url, api_key=server.key)
        cat = CaT(provider, runtime=RUNTIME, sampling=Sampling(max_tokens=64))
        with watching(seen.on_event):
            async with provider, cat as c:
                prompts = (f"group {at}: what is it?" for at in range(groups))
                async for mapped in c.map(prompts, ROLLOUTS):
                    assert mapped.index not in outcomes, "an outcome came twice"
                    outcomes[mapped.index] = mapped
        assert sorted(outcomes) == list(range(groups)), "an outcome was lost"
        assert seen.in_flight == 0
        # A call that timed out or did not connect may not have arrived; nothing else came.
        assert 0 <= seen.sent - server.counters.requests <= seen.may_be_lost
        assert seen.most <= IN_FLIGHT
        # The server may have sent whole what the reader had given up; never the other way round.
        assert seen.usage.tokens <= server.counters.usage.tokens, "tokens were invented"
        assert server.counters.in_flight <= IN_FLIGHT
        outcome = Outcome(groups, requests=server.counters.requests)
        outcome.faults.update(str(served.fault) for served in server.served if served.fault)
    used: set[str] = set()
    for mapped in outcomes.values():
        _check(mapped, model.given, used, outcome)
    outcome.seconds = monotonic() - start
    outcome.megabytes = (getrusage(RUSAGE_SELF).ru_maxrss - memory) / 1024
    return outcome


def _check(
    mapped: Mapped[str, Reference], given: dict[str, int], used: set[str], outcome: Outcome
) -> None:
    assert (mapped.result is None) != (mapped.failure is None)
    if mapped.failure is not None:
        _check_failure(mapped.failure)
        outcome.failures[mapped.failure.kind] += 1
    group = mapped.group
    if mapped.result is not None:
        outcome.results += 1
        group = mapped.result.group
        assert given[mapped.result.text] == mapped.index, "a reference was invented"
    if group is not None:
        _check_group(group, mapped.index, given, used, outcome)


def _check_group(
    group: Group, index: int, given: dict[str, int], used: set[str], outcome: Outcome
) -> None:
    there = [rollout.index for rollout in group.rollouts]
    assert sorted([*there, *group.failures]) == list(range(ROLLOUTS)), "a rollout was lost"
    for rollout in group.rollouts:
        assert given[rollout.text] == index, "a rollout was invented"
        assert rollout.text not in used, "one answer stands for two rollouts"
        used.add(rollout.text)
    for failure in group.failures.values():
        _check_failure(failure)
        outcome.lost_rollouts[failure.kind] += 1


def _check_failure(failure: Failure) -> None:
    assert failure.kind in TYPED, failure
    assert failure.message
