"""Measure the time for the report of a large evaluation, which should be linear in observations.

python -m benchmarks.evaluation_report --items 5000 20000

Each item has the 90 observations of the default evaluation: two selectors that make no calls and
two estimators that make one, at G = 1, 2, 4, 8, with up to 16 sub-samples.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from math import comb
from random import Random
from time import process_time

from catsdk.estimators import Majority
from catsdk.evaluate import Contender, Observation, Report, Seen, item_of
from catsdk.evaluate.summary import summarise
from catsdk.types import Completion, Group, Message, Rollout, Usage

__all__ = ["CONTENDERS", "made", "seconds"]

SIZES, DRAWS, ROLLOUTS = (1, 2, 4, 8), 16, 8
CONTENDERS = (
    Contender("majority", Majority(), free=True),
    Contender("adaptive-majority", Majority(), free=True),
    Contender("synthesis", Majority()),
    Contender("cascade", Majority()),
)


def made(items: int, seed: int = 0) -> list[Seen]:
    """Observations like those of an evaluation of that many items, with random scores."""
    random = Random(seed)
    rollouts = tuple(
        Rollout(index=at, completion=Completion(text="4"), answer="4") for at in range(ROLLOUTS)
    )
    group = Group(prompt=(Message(role="user", content="2+2?"),), rollouts=rollouts)
    return [
        Seen(
            item=item_of("2+2?", "4", id=str(at)),
            group=group,
            scores={index: float(random.random() < 0.5) for index in range(ROLLOUTS)},
            observations=tuple(_observed(str(at), random)),
        )
        for at in range(items)
    ]


def _observed(item: str, random: Random) -> Iterator[Observation]:
    for size in SIZES:
        for contender in CONTENDERS:
            for draw in range(min(DRAWS, comb(ROLLOUTS, size)) if contender.free else 1):
                usage = Usage(output_tokens=random.randrange(100, 900) * size, requests=size)
                yield Observation(
                    estimator=contender.name,
                    item=item,
                    size=size,
                    draw=draw,
                    answer="4",
                    score=float(random.random() < 0.5),
                    usage=usage,
                    drawn=size,
                    tied=random.random() < 0.1,
                    majority_score=1.0,
                    departs=random.random() < 0.2,
                    all_wrong=False,
                    followed=(True, False) if size > 1 else (),
                )


def seconds(items: int) -> tuple[float, int, Report]:
    """CPU seconds of a report on that many items, the number of observations, and the report."""
    seen = made(items)
    start = process_time()
    report = summarise(seen, CONTENDERS, title="scale", data="made up")
    return process_time() - start, sum(len(each.observations) for each in seen), report


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, nargs="+", default=[2_000, 5_000, 20_000])
    print("| items | observations | CPU seconds |\n| --- | --- | --- |")
    for items in parser.parse_args().items:
        took, observed, _ = seconds(items)
        print(f"| {items:,} | {observed:,} | {took:.1f} |", flush=True)


if __name__ == "__main__":
    main()
