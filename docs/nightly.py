"""Run what CI has no time for, and write its last results to docs/nightly.md.

    make nightly                                   # every part, one after the other
    make nightly PARTS="soak test-servers"         # some of them

A part is a target of the Makefile. What each one came to stands in the table with its commit and
date; parts that do not run this time keep the rows that they have. The log of a part is
`out/nightly/PART.log`. Ends with 1 where a part failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "nightly.md"
LOGS = ROOT / "out" / "nightly"
BEGIN, END = "<!-- table: nightly -->\n\n", "\n\n<!-- end of table -->"
HEAD = (
    "| part | what it is | outcome | minutes | date | commit |\n"
    "| --- | --- | --- | --- | --- | --- |"
)

PARTS: Mapping[str, str] = {
    "soak": "chaos, hostile replies, crafted judges and random answers, ten minutes of each",
    "test-servers": "both wires and the gateway against a real llama.cpp server",
    "test-gateway": "the gateway through agents, MCP, LangChain, LlamaIndex, and by schemathesis",
    "test-vllm": "the vLLM providers on real vLLM, on the CPU",
    "real": "the whole method on a real small model, in process, on llama.cpp and on vLLM",
    "test-verl": "the reward service asked by the real verl and OpenRLHF",
    "test-ray": "the method over Ray Data, on a local Ray with two workers",
    "test-integrations": "catsdk inside other frameworks, each in its own loop",
    "test-litellm": "the litellm provider alone, and through a litellm proxy",
    "test-instructor": "structured output through the real instructor",
    "site": "the documentation as a site, each link and public name checked",
    "coverage": "all tests with their branches counted, against the floor",
    "test-pythons": "the core tests on the built wheel, on each Python from 3.11 to 3.14",
    "test-extras": "each extra alone in a clean environment",
    "audit": "known vulnerabilities in the default installation, looked up over the network",
    "test-gpu": "a short training on a GPU, where there is one",
}


@dataclass(frozen=True)
class Outcome:
    """What a part came to: how, after how many minutes, when and for which commit."""

    how: str
    minutes: float
    date: str
    commit: str

    @property
    def cells(self) -> list[str]:
        """The outcome's columns."""
        return [self.how, f"{self.minutes:.1f}", self.date, self.commit]


def run(part: str, commit: str, command: Sequence[str], logs: Path = LOGS) -> Outcome:
    """Run the command of a part with its output in a log, and say what came of it."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{part}.log"
    start = monotonic()
    with log.open("w", encoding="utf-8") as file:
        status = subprocess.run(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False
        ).returncode
    how = "passed" if status == 0 else f"failed ({status})"
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return Outcome(how, (monotonic() - start) / 60, date, commit)


def rewritten(page: str, outcomes: Mapping[str, Outcome]) -> str:
    """The page with these outcomes in its table; the rows of the other parts stay."""
    before, _, rest = page.partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {row.split("|")[1].strip().strip("`"): row for row in old.splitlines()[2:]}
    rows = [_row(part, outcomes.get(part)) or kept.get(part) or _never(part) for part in PARTS]
    return before + BEGIN + "\n".join([HEAD, *rows]) + END + after


def _row(part: str, outcome: Outcome | None) -> str | None:
    if outcome is None:
        return None
    return f"| {' | '.join([f'`{part}`', PARTS[part], *outcome.cells])} |"


def _never(part: str) -> str:
    return f"| `{part}` | {PARTS[part]} | not run yet | | | |"


def _commit() -> str:
    """The commit that is checked out; a plus stands behind it where files differ from it."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!docs/nightly.md")
    return _git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    """Run the parts, and write the page after each of them."""
    parser = argparse.ArgumentParser(description="Run what CI has no time for")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}")
    parts: list[str] = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown parts {sorted(unknown)}; give some of: {', '.join(PARTS)}")
    commit, failed = _commit(), False
    for part in parts:
        sys.stdout.write(f"{part}: running, see out/nightly/{part}.log\n")
        sys.stdout.flush()
        outcome = run(part, commit, [os.environ.get("MAKE", "make"), part])
        failed |= outcome.how != "passed"
        page = rewritten(PAGE.read_text(encoding="utf-8"), {part: outcome})
        PAGE.write_text(page, encoding="utf-8")
        sys.stdout.write(f"{part}: {outcome.how} after {outcome.minutes:.1f} minutes\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
