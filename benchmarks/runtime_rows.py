"""The rows of the runtime benchmark: for each, the work, its aim, and the numbers of one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import fmean
from typing import Any

from benchmarks.arena import Arena, Run, undisturbed
from benchmarks.schedule import ideal_seconds, scheduled_seconds, stages_of

Numbers = dict[str, float | str]
SLOTS = 256
PROMPTS, ROLLOUTS = 200, 8
CALLS = PROMPTS * (ROLLOUTS + 1)


@dataclass(frozen=True)
class Row:
    """A piece of work to run, the number that has an aim, and the contestants to compare with.

    `aim` is the aim in words; `holds` says whether the median of catsdk's `number` meets it.
    `compare` adds numbers that depend on other contestants' numbers in the same repeat.
    """

    title: str
    run: Callable[[Arena, str, int], Numbers]
    number: str
    aim: str
    holds: Callable[[float], bool]
    who: tuple[str, ...]
    compare: Callable[[dict[str, Numbers]], None] = lambda _: None
    once: bool = False


def of(run: Run, numbers: Callable[[dict[str, Any]], Numbers]) -> Numbers:
    """The numbers of a run, or its error."""
    return {"error": run.error} if run.error else numbers(run.answer)


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def mean_end(served: list[dict[str, Any]]) -> float:
    """The mean time at which an item's last call ended, measured from the very first call."""
    began: float = min(request["began"] for request in served)
    ended: dict[int, float] = {}
    for request in served:
        ended[request["item"]] = max(ended.get(request["item"], 0.0), request["ended"])
    return fmean(ended.values()) - began


def pipeline(latency: float) -> Callable[[Arena, str, int], Numbers]:
    """Many prompts, sampled and synthesized, against the ideal schedule for the latencies."""

    def run(arena: Arena, who: str, repeat: int) -> Numbers:
        weather = {"latency": latency, "jitter": 0.2, "seed": repeat}
        work = {"prompts": PROMPTS, "n": ROLLOUTS, "in_flight": SLOTS}
        slots = {"CATSDK_MAX_IN_FLIGHT": str(SLOTS)}
        done = undisturbed(
            lambda: arena.task(who, "pipeline", work, weather=weather, settings=slots)
        )
        stages = stages_of(done.server["served"], ROLLOUTS)

        def numbers(answer: dict[str, Any]) -> Numbers:
            found: Numbers = {
                "wall s": answer["wall"],
                "CPU s": answer["cpu"],
                "requests": done.server["requests"],
                "peak in flight": done.server["in_flight_peak"],
                "failed": len(answer["result"]["failures"]),
                "waited for a core %": 100 * done.starved,
            }
            if stages is not None and len(stages) == PROMPTS:
                found["ideal s"] = ideal_seconds(stages, SLOTS)
                found["wall / ideal"] = answer["wall"] / float(found["ideal s"])
                early = scheduled_seconds(stages, SLOTS, synthesis_first=True)
                found["early synthesis s"] = early
                found["mean result s"] = mean_end(done.server["served"])
            return found

        return of(done, numbers)

    return run


def cpu(arena: Arena, who: str, repeat: int) -> Numbers:
    """CPU per request at 50 in flight."""
    count = 1600
    slots = {"CATSDK_MAX_IN_FLIGHT": "50"}
    work = {"count": count, "in_flight": 50}
    done = arena.task(who, "requests", work, settings=slots)
    return of(done, lambda answer: {"ms a request": 1e3 * answer["cpu"] / count} | _failed(answer))


def cpu_of_map(arena: Arena, who: str, repeat: int) -> Numbers:
    """CPU per request of a whole `map`: the rollouts and the synthesis of each prompt."""
    work = {"prompts": PROMPTS, "n": ROLLOUTS, "in_flight": 50}
    done = arena.task(who, "pipeline", work, weather={"latency": 0.02, "seed": repeat})
    return of(done, lambda answer: {"ms a request": 1e3 * answer["cpu"] / CALLS} | _failed(answer))


def cpu_of_rollouts(arena: Arena, who: str, repeat: int) -> Numbers:
    """CPU per rollout, with eight per request."""
    prompts = 400
    work = {"prompts": prompts, "n": ROLLOUTS, "in_flight": 50}
    done = arena.task(who, "rollouts", work, takes_n="all")
    rollouts = prompts * ROLLOUTS
    return of(
        done, lambda answer: {"ms a rollout": 1e3 * answer["cpu"] / rollouts} | _failed(answer)
    )


def storm(arena: Arena, who: str, repeat: int) -> Numbers:
    """Groups of 16 while three requests in ten are rejected with a Retry-After of a second."""
    runs, n, share = 20, 16, 0.3
    weather = {"latency": 0.05, "rate_limited_share": share, "retry_after": 1.0, "seed": repeat}
    done = arena.task(who, "groups", {"count": runs, "n": n}, weather=weather)
    unavoidable = runs * n * share / (1 - share)

    def numbers(answer: dict[str, Any]) -> Numbers:
        complete = answer["result"]["done"]
        wasted = done.server["requests"] - complete * n
        return {
            "complete of 20": complete,
            "wasted": wasted,
            "wasted / unavoidable": wasted / unavoidable,
            "wall s": answer["wall"],
        }

    return of(done, numbers)


def hostname(arena: Arena, who: str, repeat: int) -> Numbers:
    """One group of 200 at an endpoint given by host name, not by address."""
    done = arena.task(
        who, "groups", {"count": 1, "n": 200}, host="localhost", weather={"latency": 0.1}
    )
    return of(
        done,
        lambda answer: {
            "complete": answer["result"]["done"],
            "requests": done.server["requests"],
            "wall s": answer["wall"],
        },
    )


def cancel(arena: Arena, who: str, repeat: int) -> Numbers:
    """Groups of 16 cancelled at random moments: the requests still served a second later."""
    random = Random(repeat)
    times = 200 if who == "catsdk" else 50
    moments = [random.uniform(0.0, 0.25) for _ in range(times)]
    done = arena.task(
        who, "cancel", {"n": 16, "moments": moments}, weather={"latency": 0.1, "jitter": 0.5}
    )

    def numbers(answer: dict[str, Any]) -> Numbers:
        cancelled = answer["result"]["cancelled"]
        late = sum(_is_late(request, cancelled) for request in done.server["served"])
        return {
            "cancelled": len(cancelled),
            "requests served after 1 s": late,
            "next calls stuck": answer["result"]["stuck"],
            "slots leaked": answer["result"].get("leaked", "not told"),
        }

    return of(done, numbers)


def _is_late(request: dict[str, Any], cancelled: list[float]) -> bool:
    item = request["item"]
    if item is None or item >= len(cancelled):
        return False
    return request["ended"] is None or request["ended"] > cancelled[item] + 1


def in_flight(arena: Arena, who: str, repeat: int) -> Numbers:
    """Memory per request while 10,000 are in flight."""
    count = 10_000
    slots = {"CATSDK_MAX_IN_FLIGHT": str(count)}
    work = {"count": count, "in_flight": count}
    done = arena.task(who, "requests", work, weather={"latency": 40.0}, fresh=True, settings=slots)
    return of(
        done,
        lambda answer: (
            {
                "KB a request": answer["kilobytes"] / count,
                "peak in flight": done.server["in_flight_peak"],
            }
            | _failed(answer)
        ),
    )


def equal(arena: Arena, who: str, repeat: int) -> Numbers:
    """A thousand concurrent equal requests."""
    done = arena.task(who, "equal", {"count": 1000}, weather={"latency": 0.5}, fresh=True)
    return of(done, lambda answer: {"upstream calls": done.server["requests"]} | _failed(answer))


def stragglers(arena: Arena, who: str, repeat: int) -> Numbers:
    """The slowest syntheses, when one call in twenty takes ten times as long."""
    weather = {"latency": 0.1, "jitter": 0.2, "straggler_share": 0.05, "seed": repeat}
    times: dict[bool, list[float]] = {}
    requests: dict[bool, int] = {}
    starved = 0.0
    for hedge in (False, True):
        work = {"count": 200, "n": 8, "hedge": hedge}
        done = undisturbed(
            partial(arena.task, who, "stragglers", work, weather=weather, fresh=True)
        )
        starved = max(starved, done.starved)
        if done.error:
            return {"error": done.error}
        times[hedge] = done.answer["result"]["seconds"]
        requests[hedge] = done.server["requests"]
    slowest = {hedge: quantile(each, 0.99) for hedge, each in times.items()}
    return {
        "p50 s without": quantile(times[False], 0.5),
        "p50 s with": quantile(times[True], 0.5),
        "p99 s without": slowest[False],
        "p99 s with": slowest[True],
        "p99 with / without": slowest[True] / slowest[False],
        "extra requests %": 100 * (requests[True] / requests[False] - 1),
        "waited for a core %": 100 * starved,
    }


def capped(arena: Arena, who: str, repeat: int) -> Numbers:
    """500 concurrent calls under a budget of 100."""
    done = arena.task(who, "capped", {"cap": 100, "wanted": 500}, weather={"latency": 0.1})
    return of(
        done,
        lambda answer: {
            "served": done.server["requests"],
            "answered": answer["result"]["done"],
            "booked": answer["result"]["booked"],
        },
    )


def usage(arena: Arena, who: str, repeat: int) -> Numbers:
    """All stages with refusals, failures and cut answers: the report against the server's count."""
    weather = {
        "latency": 0.02,
        "retry_after": 0.05,
        "faults": {"429": 0.1, "500": 0.05, "cut": 0.03, "reset": 0.02, "malformed": 0.02},
        "seed": repeat,
    }
    done = arena.task(who, "usage", {"prompts": 20, "n": 8}, weather=weather)

    def numbers(answer: dict[str, Any]) -> Numbers:
        told = answer["result"]
        return {
            "requests reported": told["requests"],
            "requests served": done.server["requests"],
            "tokens reported": told["tokens"],
            "tokens served whole": done.server["tokens"],
            "listed as unknown": told["unknown"],
            "cut by the server": sum(
                request["fault"] in {"cut", "reset", "malformed"}
                for request in done.server["served"]
            ),
            "difference": abs(told["requests"] - done.server["requests"])
            + abs(told["tokens"] - done.server["tokens"]),
            "stages": told["stages"],
        }

    return of(done, numbers)


def _failed(answer: dict[str, Any]) -> Numbers:
    failed = len(answer["result"]["failures"])
    return {"failed": failed} if failed else {}


def to_bare(number: str, ratio: str) -> Callable[[dict[str, Numbers]], None]:
    """Add the ratio of `number` to the bare SDK's in the same repeat."""

    def compare(repeat: dict[str, Numbers]) -> None:
        bare = repeat.get("openai", {}).get(number)
        for numbers in repeat.values():
            if isinstance(bare, float) and number in numbers:
                numbers[ratio] = float(numbers[number]) / bare

    return compare


def to_bound(repeat: dict[str, Numbers]) -> None:
    """Add the ratio of the wall time to the bound by schedule and CPU, from the same repeat."""
    bare = repeat.get("openai", {})
    if "CPU s" not in bare:
        return
    cpu_bound = CALLS * float(bare["CPU s"]) / float(bare["requests"])
    for numbers in repeat.values():
        if "ideal s" in numbers:
            bound = max(float(numbers["ideal s"]), cpu_bound)
            numbers["bound s"] = bound
            numbers["wall / bound"] = float(numbers["wall s"]) / bound


ALL = ("catsdk", "openai", "litellm", "its_hub", "dspy", "optillm")
WITHOUT_OPTILLM = ALL[:-1]

ROWS: dict[str, Row] = {
    "slow": Row(
        "200 prompts x 8 rollouts + synthesis, 2 s latency, 20 % jitter, 256 in flight",
        pipeline(2.0), "wall / ideal", "at most 1.05 x the ideal schedule",
        lambda ratio: ratio <= 1.05, ALL,
    ),
    "fast": Row(
        "the same at 0.5 s latency",
        pipeline(0.5), "wall / bound", "at most 1.2 x max(schedule, calls x CPU of a bare call)",
        lambda ratio: ratio <= 1.2, ALL, to_bound,
    ),
    "cpu": Row(
        "CPU a request at 50 in flight, `n` refused",
        cpu, "to bare", "at most 0.45 x bare `openai[aiohttp]`",
        lambda ratio: ratio <= 0.45, WITHOUT_OPTILLM, to_bare("ms a request", "to bare"),
    ),
    "map": Row(
        "CPU a request of 200 prompts x 8 rollouts + synthesis, 20 ms latency, 50 in flight",
        cpu_of_map, "to bare", "at most 0.45 x bare `openai[aiohttp]`",
        lambda ratio: ratio <= 0.45, ("catsdk", "openai"), to_bare("ms a request", "to bare"),
    ),
    "rollout": Row(
        "CPU a rollout, `n` = 8 supported",
        cpu_of_rollouts, "ms a rollout", "at most 0.5 ms",
        lambda ms: ms <= 0.5, ("catsdk", "openai", "litellm"),
    ),
    "stragglers": Row(
        "5 % stragglers x 10, 200 syntheses of 8 rollouts, 16 at once: p99 of synthesize",
        stragglers, "p99 with / without", "at most 0.35 x that without hedging, under 8 % extra",
        lambda ratio: ratio <= 0.35, ("catsdk",),
    ),
    "storm": Row(
        "30 % of 429 with Retry-After 1 s, n = 16, 20 runs",
        storm, "wasted / unavoidable",
        "20 of 20 complete, wasted calls under 1.5 x the unavoidable",
        lambda ratio: ratio < 1.5, ALL,
    ),
    "hostname": Row(
        "hostname endpoint, n = 200",
        hostname, "complete", "completes",
        lambda complete: complete == 1, ALL,
    ),
    "cancel": Row(
        "cancel at a random moment, 200 times (peers 50)",
        cancel, "requests served after 1 s",
        "0 leaked slots, 0 requests after 1 s, next call works",
        lambda late: late == 0, WITHOUT_OPTILLM,
    ),
    "memory": Row(
        "10,000 in flight",
        in_flight, "to bare", "at most 1.2 x bare `openai[aiohttp]` memory a request",
        lambda ratio: ratio <= 1.2, ("catsdk", "openai", "litellm"),
        to_bare("KB a request", "to bare"),
    ),
    "equal": Row(
        "1,000 equal requests",
        equal, "upstream calls", "1 upstream call",
        lambda calls: calls == 1, WITHOUT_OPTILLM,
    ),
    "capped": Row(
        "budget of 100 calls, 500 wanted, concurrent",
        capped, "served", "at most 100 served",
        lambda served: served <= 100, ("catsdk",),
    ),
    "usage": Row(
        "usage, all stages, with retries",
        usage, "difference",
        "requests and tokens of whole answers equal the server's; the rest listed as unknown",
        lambda difference: difference == 0, ("catsdk",),
    ),
}  # fmt: skip
