"""The machine against another engine: pairs written to a file, and graded by any version of catsdk.

    python -m tests.answers.old_engines write PAIRS.jsonl --cheats 20000 --seed 7
    python tests/answers/old_engines.py grade PAIRS.jsonl --module catsdk.equivalence.compare

`write` draws cheats by the grammar of `gaming.py`, and answers of different problems that are not
listed as coincidences. `grade` imports nothing but `--module`, so that it runs with an older
checkout on `PYTHONPATH`; it prints a row for each family: how many pairs that engine takes for
equal, and some of them. Of the pairs that its bounded tiers leave open, `--asked` of a family go to
its workers.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from itertools import combinations, islice
from pathlib import Path

_SHOWN = 3

# Family, and the two texts.
Written = tuple[str, str, str]


def pairs_of(cheats: int, seed: int) -> Iterator[Written]:
    """Yield cheats beside the answers that they do not assert, and unrelated answers."""
    from tests.answers.gaming import cheats_on, units_confused
    from tests.answers.unrelated import accepted, our_golds

    chance, golds, listed = random.Random(seed), our_golds(), accepted()
    for cheat in islice(cheats_on(golds, chance), cheats):
        yield cheat.family, cheat.text, cheat.gold
    for cheat in (units_confused(chance) for _ in range(cheats // 40)):
        yield cheat.family, cheat.text, cheat.gold
    for (_, one), (_, other) in combinations(golds, 2):
        if frozenset([one, other]) not in listed:
            yield "unrelated answers", one, other


def table(pairs: list[Written], module: str, most_asked: int) -> Iterator[str]:
    """Yield a row for each family: pairs, those that `module` takes for equal, examples."""
    engine = import_module(module)
    graded: dict[str, int] = defaultdict(int)
    asked: dict[str, int] = defaultdict(int)
    equal: dict[str, list[str]] = defaultdict(list)
    for family, one, other in pairs:
        graded[family] += 1
        outcome = engine.same(one, other).outcome
        if outcome == "unknown" and asked[family] < most_asked:
            asked[family] += 1
            outcome = engine.compare_sync(one, other).outcome
        if outcome == "equal":
            equal[family].append(f"`{one}` = `{other}`")
    yield "| family | pairs | equal | for instance |"
    yield "| --- | --- | --- | --- |"
    for family in sorted(graded):
        found = dict.fromkeys(sorted(equal[family], key=len))
        shown = ", ".join(list(found)[:_SHOWN])
        yield f"| {family} | {graded[family]} | {len(equal[family])} | {shown} |"
    yield f"| all | {len(pairs)} | {sum(map(len, equal.values()))} | |"


def main() -> None:
    """Write pairs, or grade those of a file."""
    parser = argparse.ArgumentParser(description="The machine against another engine")
    parser.add_argument("what", choices=("write", "grade"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--cheats", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--module", default="catsdk.answers.compare", help="where `same` is")
    parser.add_argument("--asked", type=int, default=100, help="open pairs of a family")
    asked = parser.parse_args()
    if asked.what == "write":
        lines = [json.dumps(pair) for pair in pairs_of(asked.cheats, asked.seed)]
        asked.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    rows = asked.file.read_text(encoding="utf-8").splitlines()
    for line in table([tuple(json.loads(row)) for row in rows], asked.module, asked.asked):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
