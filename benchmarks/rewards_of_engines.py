"""Reward the same groups with two versions of the answer engine, and list the changed rewards.

    git worktree add OLD f3e367e
    python -m benchmarks.rewards_of_engines --old OLD [--data FOLDER] [--groups 300] [--examples 3]

The laboratory's groups are sampled from the model in the box, with the synthesis of each group as
the reference; FOLDER adds completions of real models, `.jsonl.gz` files with one problem per line
(`gold`, and `samples` with `completion`). Each version reads and compares the same texts in its own
process: a rollout is rewarded by the known answer, by the vote of its group and, in the laboratory,
by the reference. An unknown verdict gives no reward.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Texts", "laboratory", "main", "recorded", "rewards"]

ROOT = Path(__file__).resolve().parent.parent
_SOURCES = ("", "providers", "trainers")


@dataclass(frozen=True)
class Texts:
    """The texts of a group: the known answer, the rollouts, and the synthesis, if any."""

    source: str
    gold: str
    rollouts: list[str]
    reference: str | None = None


def laboratory(count: int, size: int = 8, seed: int = 0) -> list[Texts]:
    """Sample groups from the model in the box, each with a synthesis."""
    import anyio

    from catsdk import Client, Limits, Sampler, Sampling, Synthesizer
    from catsdk.runtime import context_of
    from catsdk_providers.box.problems import problems, solve

    sampling = Sampling(max_tokens=128)
    found: list[Texts] = []

    async def sample() -> None:
        sampler = Sampler("local", sampling, seed=seed)
        synthesizer = Synthesizer("local", sampling, seed=seed)
        async with context_of(Client(limits=Limits(in_flight=4096))) as ctx:
            for problem in problems("rl", count, seed):
                group = await sampler.sample(str(problem), size, ctx)
                reference = await synthesizer.estimate(group, ctx)
                texts = [rollout.text for rollout in group.rollouts]
                gold = str(solve(problem).answer)
                found.append(Texts("laboratory", gold, texts, reference.text))

    anyio.run(sample)
    return found


def recorded(folder: Path) -> list[Texts]:
    """Return the groups in the files of a folder."""
    groups: list[Texts] = []
    for file in sorted(folder.glob("**/*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        name = file.name.partition(".")[0]
        groups += [
            Texts(name, str(row["gold"]), [each["completion"] for each in row["samples"]])
            for row in rows
            if "samples" in row and "gold" in row
        ]
    return groups


def rewards(group: dict[str, Any]) -> dict[str, list[float | None]]:
    """Reward the rollouts of a group with the engine that this process imported."""
    home = "catsdk.answers" if _is_new() else "catsdk.equivalence"
    extract = import_module(f"{home}.extract").STATED.extract
    compare = import_module(f"{home}.compare").compare_sync
    classes = import_module(f"{home}.classes").equivalence_classes
    answers = [extract(text).answer for text in group["rollouts"]]

    def by(reference: str | None) -> list[float | None]:
        return [_reward(compare, answer, reference) for answer in answers]

    cast = [answer for answer in answers if answer is not None]
    counts = Counter(classes(cast).labels).most_common(2) if cast else []
    clear = counts and (len(counts) == 1 or counts[0][1] > counts[1][1])
    majority = cast[classes(cast).labels.index(counts[0][0])] if clear else None
    found = {"gold": by(extract(group["gold"]).answer or group["gold"]), "vote": by(majority)}
    if group["reference"] is not None:
        found["synthesis"] = by(extract(group["reference"]).answer)
    return found


def _reward(compare: Any, answer: str | None, reference: str | None) -> float | None:
    if answer is None or reference is None:
        return None
    outcome = compare(answer, reference).outcome
    return None if outcome == "unknown" else float(outcome == "equal")


def _is_new() -> bool:
    try:
        import_module("catsdk.answers.extract")
    except ImportError:
        return False
    return True


def _serve() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(rewards(json.loads(line))) + "\n")


def _by(tree: Path, groups: list[Texts]) -> list[dict[str, list[float | None]]]:
    """Reward all groups with the version in `tree`."""
    path = os.pathsep.join(str(tree / source) for source in _SOURCES)
    lines = "".join(json.dumps(vars(group)) + "\n" for group in groups)
    command = [sys.executable, "-P", __file__, "--serve"]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        command, input=lines, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _table(groups: list[Texts], old: list[Any], new: list[Any]) -> Iterator[str]:
    yield (
        "| texts | reward by | rollouts | changed | none before, one now | one before, none now"
        " | 0 to 1 | 1 to 0 |"
    )
    yield "| --- |" + " --- |" * 7
    changes: dict[tuple[str, str], Counter[tuple[float | None, float | None]]] = {}
    for group, before, after in zip(groups, old, new, strict=True):
        for kind in before:
            both = zip(before[kind], after[kind], strict=True)
            changes.setdefault((group.source, kind), Counter()).update(both)
    for (source, kind), pairs in changes.items():
        changed = {pair: count for pair, count in pairs.items() if pair[0] != pair[1]}
        cells = (
            source,
            kind,
            f"{pairs.total():,}",
            sum(changed.values()),
            sum(count for (one, _), count in changed.items() if one is None),
            sum(count for (_, other), count in changed.items() if other is None),
            changed.get((0.0, 1.0), 0),
            changed.get((1.0, 0.0), 0),
        )
        yield "| " + " | ".join(map(str, cells)) + " |"


def _examples(groups: list[Texts], old: list[Any], new: list[Any], most: int) -> Iterator[str]:
    shown: Counter[tuple[Any, ...]] = Counter()
    for group, before, after in zip(groups, old, new, strict=True):
        for kind in before:
            for text, one, other in zip(group.rollouts, before[kind], after[kind], strict=True):
                key = (group.source, kind, one, other)
                if one != other and shown[key] < most:
                    shown[key] += 1
                    yield f"{key}: gold {group.gold!r}, text ends {text[-160:]!r}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare two versions of the answer engine")
    parser.add_argument("--old", type=Path, help="tree of the other version")
    parser.add_argument("--data", type=Path, help="folder with completions of real models")
    parser.add_argument("--groups", type=int, default=300, help="groups from the laboratory")
    parser.add_argument("--examples", type=int, default=0, help="changes to show of each kind")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        _serve()
        return
    if asked.old is None or not (asked.old / "catsdk").is_dir():
        parser.error("--old must be the tree of another version, such as a git worktree")
    groups = laboratory(asked.groups) + (recorded(asked.data) if asked.data else [])
    old, new = _by(asked.old, groups), _by(ROOT, groups)
    print(*_table(groups, old, new), sep="\n")
    print(*_examples(groups, old, new, asked.examples), sep="\n")


if __name__ == "__main__":
    main()
