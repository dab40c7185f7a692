r"""Find the answers in completions of real models: agreement with labels, rules used, time.

    python benchmarks/extraction.py --data FOLDER [--differences N]

FOLDER holds `.jsonl.gz` files with one problem per line: `gold`, and `samples` with `completion`,
`graded` (the file's own grade) and `extracted` (the answer that its authors found). Each completion
is read three times. As it is: the verdict on its answer should equal the grade. Without the mark
that its model put on the answer (`\boxed{}`, the last line `A: x`), so that only prose is left: the
answer should equal the marked one. Cut off at a random place: it should have no answer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catsdk.answers import STATED, compare_sync
from catsdk.answers.extract import load_rules

__all__ = ["Tally", "measure", "read", "without_mark"]

_LAST_LINE = re.compile(r"\nA:[^\n]*\s*\Z")
_BOX = re.compile(r"\\boxed\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


@dataclass
class Tally:
    """The results of reading a file's completions in one way; `milliseconds` is CPU per text."""

    agreed: int = 0
    differences: list[str] = field(default_factory=list[str])
    silent: int = 0
    rules: Counter[str] = field(default_factory=Counter[str])
    milliseconds: list[float] = field(default_factory=list[float])

    @property
    def count(self) -> int:
        """The number of completions read."""
        return len(self.milliseconds)

    def line(self, title: str) -> str:
        """One row of a Markdown table."""
        times = sorted(self.milliseconds)
        rules = ", ".join(f"{name} {count}" for name, count in self.rules.most_common())
        cells = (
            f"{title} | {self.count:,} | {self.agreed / self.count:.4f}"
            f" | {self.silent / self.count:.4f}"
            f" | {statistics.median(times):.3f} | {times[int(0.99 * len(times))]:.2f}"
            f" | {times[-1]:.2f} | {rules}"
        )
        return f"| {cells} |"


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each completion of a file with its gold answer."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for sample in row["samples"]:
                yield row["gold"], sample


def without_mark(text: str) -> str:
    """Return a completion with its boxes unwrapped and without a last line `A: x`."""
    text = _LAST_LINE.sub("", text)
    parts: list[str] = []
    at = 0
    for box in _BOX.finditer(text):
        if box.start() >= at and (end := _closing(text, box.end())) is not None:
            parts += [text[at : box.start()], text[box.end() : end]]
            at = end + 1
    return "".join([*parts, text[at:]])


def _closing(text: str, start: int) -> int | None:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return brace.start()
    return None


def measure(path: Path) -> tuple[Tally, Tally, Tally]:
    """Read the completions of a file as they are, without marks on their answers, and cut off."""
    load_rules()
    marked, prose, cut = Tally(), Tally(), Tally()
    places = random.Random(0)
    for gold, sample in read(path):
        _add(marked, sample["completion"], gold, bool(sample["graded"]))
        if sample.get("extracted"):
            _add(prose, without_mark(sample["completion"]), sample["extracted"], True)
        text = sample["completion"]
        _add(cut, text[: int(len(text) * places.uniform(0.2, 0.8))], None, True)
    return marked, prose, cut


def _add(tally: Tally, text: str, reference: str | None, expected: bool) -> None:
    """Read a text and tally it; without a reference (a cut text) it should have no answer."""
    start = time.process_time()
    found = STATED.extract(text, cut=reference is None)
    tally.milliseconds.append(1e3 * (time.process_time() - start))
    tally.rules[found.rule or "none"] += 1
    tally.silent += found.answer is None
    if reference is None or found.answer is None:
        equal = reference is None and found.answer is None
    else:
        equal = compare_sync(found.answer, reference).equal is True
    tally.agreed += equal is expected
    if equal is not expected:
        tally.differences.append(
            f"{found.rule}: {found.answer!r:.80} | {reference or 'none'!r:.80} | {text[-160:]!r}"
        )


def main() -> None:
    """Print a table with rows for each file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of .jsonl.gz files")
    parser.add_argument("--differences", type=int, default=0, help="how many to show per reading")
    asked = parser.parse_args()
    head = "| completions | count | agree | no answer | median ms | p99 | longest | rules |"
    print(head, "| --- |" + " --- |" * 7, sep="\n", flush=True)
    listed: list[str] = []
    for path in sorted(asked.data.glob("*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        titles = (name, f"{name}, marks removed", f"{name}, cut off")
        for title, tally in zip(titles, measure(path), strict=True):
            print(tally.line(title), flush=True)
            listed += [f"{title} | {each}" for each in tally.differences[: asked.differences]]
    print(*listed, sep="\n")


if __name__ == "__main__":
    main()
