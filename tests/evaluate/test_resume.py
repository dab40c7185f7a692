"""An evaluation that is killed again and again pays for nothing twice and reports the same."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from catsdk.core.types import Request
from catsdk.testing import FunctionProvider, LoopbackServer, Weather

pytest.importorskip("matplotlib")
ROOT = Path(__file__).parents[2]
IN_FLIGHT = 4
NUMBER = re.compile(r"call (\d{5})")
# The key of a prompt's fences is a digest of the texts, which hold the numbers.
KEY = re.compile(r"\b[0-9a-f]{24}\b")


class Paid:
    """The model behind the server: numbers its calls, and answers by what is asked alone."""

    def __init__(self) -> None:
        self.calls: dict[str, list[int]] = defaultdict(list)
        self.served = 0
        self.target = 0
        self.reached = threading.Event()

    def script(self, request: Request) -> str:
        asked = KEY.sub("key", NUMBER.sub("call", request.model_dump_json()))
        self.served += 1
        self.calls[asked].append(self.served)
        if self.served >= self.target:
            self.reached.set()
        letter = "abcd"[sha256(asked.encode()).digest()[0] % 4]
        return f"call {self.served:05} says \\boxed{{{letter}}}"

    def expect(self, more: int) -> None:
        """Set `reached` when that many more calls were served."""
        self.target = self.served + more
        self.reached.clear()


def start(server: LoopbackServer, data: Path, out: Path) -> subprocess.Popen[bytes]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CATSDK_", "OPENAI_"))}
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))
    own = {"PYTHONPATH": paths, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    names = ("majority", "synthesis", "cascade", "generative", "mixture", "synthesis+shuffled")
    return subprocess.Popen(
        [
            sys.executable, "-c", "from catsdk.cli import main; main()",
            "eval", str(data), "--model", f"openai:{server.model}", "--out", str(out),
            "--sizes", "2,4", "--max-in-flight", str(IN_FLIGHT), "--title", "t", "--json",
            *(part for name in names for part in ("--estimator", name)),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean | own,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()


def report_in(out: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return made


def kept_numbers(out: Path) -> set[int]:
    """The numbers of the calls whose answers are in the store."""
    store = sqlite3.connect(out / "run.sqlite")
    rows = store.execute("SELECT value FROM answer").fetchall()
    store.close()
    texts = [
        completion["text"] for (value,) in rows for completion in json.loads(value)["completions"]
    ]
    return {int(number) for text in texts for number in NUMBER.findall(text)}


def kill_at_random(process: subprocess.Popen[bytes], paid: Paid, random: Random) -> None:
    """Kill it within 50 ms after the call that was waited for: amid calls, writes and waits."""
    assert paid.reached.wait(timeout=120)
    try:
        process.wait(timeout=random.uniform(0.0, 0.05))
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "items"), [(4, 6), pytest.param(20, 40, marks=pytest.mark.soak, id="soak")]
)
def test_a_run_that_is_killed_at_random_points_repeats_no_kept_call(
    tmp_path: Path, kills: int, items: int
) -> None:
    data = tmp_path / "data.jsonl"
    rows = [{"prompt": f"question {at}?", "gold": "abcd"[at % 4]} for at in range(items)]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    random = Random(11)

    whole = Paid()
    with LoopbackServer(FunctionProvider(whole.script)) as server:
        finish(start(server, data, tmp_path / "whole"))

    paid = Paid()
    weather = Weather(latency=0.004, jitter=0.9)
    with LoopbackServer(FunctionProvider(paid.script), weather=weather) as server:
        most = whole.served // kills
        for _ in range(kills):
            paid.expect(random.randint(1, most))
            kill_at_random(start(server, data, tmp_path / "killed"), paid, random)
        finish(start(server, data, tmp_path / "killed"))
        served = server.counters.completions

    assert report_in(tmp_path / "killed") == report_in(tmp_path / "whole")
    kept = kept_numbers(tmp_path / "killed")
    assert len(kept) == whole.served
    assert set(paid.calls) == set(whole.calls)
    # Once an answer was kept, the same was never asked again.
    repeated = [
        numbers for numbers in paid.calls.values() if max(numbers) > max(kept & set(numbers))
    ]
    assert repeated == []
    # What was asked twice was under way when the process was killed, or arrived and was not yet
    # written.
    lost = served - len(kept)
    assert 0 <= lost <= kills * 2 * IN_FLIGHT
    told = f"{kills} kills, {whole.served} calls, {served} served, {lost} under way when killed"
    sys.stdout.write(f"{told}\n")
