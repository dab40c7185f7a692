"""Many groups through a server on which everything goes wrong, and what has to be true of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from resource import RUSAGE_SELF, getrusage
from time import monotonic
from typing import Any

from catsdk import (
    Capabilities,
    CaT,
    Client,
    Limits,
    Result,
    Retry,
    Sampler,
    Sampling,
    Timeouts,
    errors,
)
from catsdk.events import CallEnded, CallStarted, Event
from catsdk.providers import OpenAIProvider
from catsdk.testing import LoopbackServer, chaos
from catsdk.types import Completion, Failure, Group, Request, Usage

__all__ = ["Outcome", "run"]

ROLLOUTS = 8
IN_FLIGHT = 64
GROUP = re.compile(r"group (\d+)")
MAY_NOT_ARRIVE = ("TimedOutError", "ConnectionFailedError")
TYPED = set(errors.__all__)


class Numbered:
    """A model none of whose answers comes twice; it remembers all of them."""

    name = "numbered"
    capabilities = Capabilities(n=True)

    def __init__(self) -> None:
        self.given: dict[str, int] = {}

    async def complete(self, request: Request, on_text: object = None) -> Sequence[Completion]:
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
class Heard:
    """What was sent, by what the client reports."""

    sent: int = 0
    in_flight: int = 0
    most: int = 0
    may_be_lost: int = 0
    usage: Usage = field(default_factory=Usage)

    def on_event(self, event: Event) -> None:
        if isinstance(event, CallStarted):
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        elif isinstance(event, CallEnded):
            self.in_flight -= 1
            self.sent += event.sent
            failure = event.call.failure
            self.may_be_lost += failure is not None and failure.kind in MAY_NOT_ARRIVE
            self.usage += event.call.usage


async def run(groups: int, *, seed: int, takes_n: Any = "refuses") -> Outcome:
    """Synthesize for `groups` prompts in chaos, and check all that came of it."""
    model, heard = Numbered(), Heard()
    outcomes: dict[int, Result] = {}
    start, memory = monotonic(), getrusage(RUSAGE_SELF).ru_maxrss
    async with LoopbackServer(model, takes_n=takes_n, weather=chaos(seed)) as server:
        provider = OpenAIProvider(server.model, base_url=server.url, api_key=server.key)
        client = Client(
            limits=Limits(in_flight=IN_FLIGHT),
            timeouts=Timeouts(attempt=2.0, call=60.0),
            retry=Retry(times=2),
            on_event=heard.on_event,
        )
        sampler = Sampler(provider, Sampling(max_tokens=64))
        async with provider, CaT(sampler, client=client) as c:
            prompts = (f"group {at}: what is it?" for at in range(groups))
            async for result in c.map(prompts, ROLLOUTS):
                assert result.index not in outcomes, "an outcome came twice"
                outcomes[result.index] = result
        assert sorted(outcomes) == list(range(groups)), "an outcome was lost"
        assert heard.in_flight == 0
        # A call that timed out or did not connect may not have arrived; nothing else came.
        assert 0 <= heard.sent - server.counters.requests <= heard.may_be_lost
        assert heard.most <= IN_FLIGHT
        # The server may have sent whole what the reader had given up; never the other way round.
        assert heard.usage.tokens <= server.counters.usage.tokens, "tokens were invented"
        assert server.counters.in_flight <= IN_FLIGHT
        outcome = Outcome(groups, requests=server.counters.requests)
        outcome.faults.update(str(served.fault) for served in server.served if served.fault)
    used: set[str] = set()
    for result in outcomes.values():
        _check(result, model.given, used, outcome)
    outcome.seconds = monotonic() - start
    outcome.megabytes = (getrusage(RUSAGE_SELF).ru_maxrss - memory) / 1024
    return outcome


def _check(result: Result, given: dict[str, int], used: set[str], outcome: Outcome) -> None:
    assert (result.reference is None) != (result.failure is None)
    if result.failure is not None:
        _check_failure(result.failure)
        outcome.failures[result.failure.kind] += 1
    if result.reference is not None:
        outcome.results += 1
        assert given[result.reference.text] == result.index, "a reference was invented"
    if result.group is not None:
        _check_group(result.group, result.index, given, used, outcome)


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
