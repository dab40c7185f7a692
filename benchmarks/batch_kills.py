"""Kill a large batch mid-run, and check that no row is lost and no stored answer bought twice.

    python benchmarks/batch_kills.py --rows 100000 --kills 3

`catsdk batch` processes the rows (one request for the rollouts, one for the synthesis) against the
loopback server, which numbers its answers. It is killed (SIGKILL) at evenly spaced moments and
restarted each time. Some rows are malformed, and the server refuses some prompts, so that every
outcome occurs. The exit code is 1 if rows are missing or a stored answer was bought again.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from catsdk.testing import FunctionProvider, LoopbackServer, RawReply, Weather
from tests.forked import PATHS
from tests.runs.killing import Paid, command, kept_numbers, kill_at_random

IN_FLIGHT = 64
ODD, REFUSED_PROMPT = 500, "impossible"
"""One row in `ODD` is not JSON, and another has a prompt that the server refuses."""


def lines(rows: int) -> Iterator[str]:
    """The lines of the data set."""
    for at in range(rows):
        if at % ODD == 1:
            yield "no row\n"
            continue
        what = REFUSED_PROMPT if at % ODD == 2 else "ordinary"
        yield json.dumps({"id": f"r{at}", "prompt": f"What is {what} about {at}?"}) + "\n"


def refusing(payload: dict[str, Any]) -> RawReply | None:
    """Refuse the prompts that should fail, as a real service would."""
    if any(REFUSED_PROMPT in str(each["content"]) for each in payload["messages"]):
        return RawReply({"error": {"message": "no such thing", "type": "invalid"}}, status=400)
    return None


def run(rows: int, kills: int, n: int, latency: float, folder: Path) -> bool:
    """Run, kill and check; print the results, and return whether all checks hold."""
    data, out = folder / "data.jsonl", folder / "out"
    with data.open("w", encoding="utf-8") as file:
        file.writelines(lines(rows))
    asked = ["batch", str(data), "--out", str(out), "-n", str(n), "--produce", "reference"]
    paid, random, began, peaks = Paid(), Random(5), time.monotonic(), list[int]()
    weather = Weather(latency=latency, jitter=0.9)
    with LoopbackServer(FunctionProvider(paid.script), weather=weather) as server:
        server.answer = refusing
        for at in range(kills):
            paid.expect(2 * rows * (at + 1) // (kills + 1) - paid.served)
            with _watched(_started(server, asked), peaks) as process:
                kill_at_random(process, paid, random)
            _tell(began, f"killed after {paid.served:,} answers")
        with _watched(_started(server, asked), peaks) as last:
            _, errors = last.communicate()
    _tell(began, f"ended with {last.returncode}: {errors.strip()[-300:]}")
    seconds = time.monotonic() - began
    told = ", ".join(map(str, peaks))
    print(f"{seconds / 60:.1f} minutes; peak memory of each process in MB: {told}\n")
    return _report(rows, kills, paid, out)


def _started(server: LoopbackServer, asked: list[str]) -> subprocess.Popen[str]:
    """Start a fresh process, not a fork, so that its memory is its own."""
    line, environment = command(server, *asked, in_flight=IN_FLIGHT)
    environment["PYTHONPATH"] = PATHS
    return subprocess.Popen(
        [sys.executable, *line],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@contextmanager
def _watched(process: subprocess.Popen[str], peaks: list[int]) -> Generator[subprocess.Popen[str]]:
    """Append the process's peak memory in MB to `peaks` when it ends."""
    found = [0]

    def watch() -> None:
        while process.poll() is None:
            found[0] = max(found[0], _peak(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield process
    finally:
        watcher.join()
        peaks.append(found[0])


def _peak(pid: int) -> int:
    """The peak memory of a process in MB, without that of its parent before the fork."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) // 1024 if found else 0


def _report(rows: int, kills: int, paid: Paid, out: Path) -> bool:
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["rows"]
    counts = {name: manifest[name] for name in ("ok", "partial", "failed", "refused", "waiting")}
    kept, records = kept_numbers(out), _records(out)
    repeated = paid.repeated(kept)
    twice = paid.served - len(paid.calls)
    checks = {
        "rows in = ok + partial + failed + refused": sum(counts.values()) == rows,
        "no row waits": counts["waiting"] == 0,
        "exactly one record for each row that is ok": records == counts["ok"],
        "no stored answer bought again": not repeated,
        "at most the calls in flight are bought twice": twice <= kills * 2 * IN_FLIGHT,
    }
    print("| rows | kills | " + " | ".join(counts) + " | answers served | kept | bought twice |")
    print("| " + "--- | " * (len(counts) + 5))
    cells = [rows, kills, *counts.values(), paid.served, len(kept), twice]
    print("| " + " | ".join(f"{cell:,}" for cell in cells) + " |")
    print()
    for check, holds in checks.items():
        print(f"{'holds' if holds else 'BROKEN'}: {check}")
    return all(checks.values())


def _records(out: Path) -> int:
    """The number of records in the output; -1 if a row has several."""
    ids = sqlite3.connect("")
    ids.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
    try:
        for path in out.glob("part-*.jsonl"):
            with path.open(encoding="utf-8") as lines:
                ids.executemany(
                    "INSERT INTO seen VALUES (?)", ((json.loads(line)["id"],) for line in lines)
                )
        (count,) = ids.execute("SELECT count(*) FROM seen").fetchone()
    except sqlite3.IntegrityError:
        return -1
    return int(count)


def _tell(began: float, what: str) -> None:
    print(f"{(time.monotonic() - began) / 60:5.1f} min: {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("-n", type=int, default=4, help="rollouts per row")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder)
        held = run(options.rows, options.kills, options.n, options.latency, path)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
