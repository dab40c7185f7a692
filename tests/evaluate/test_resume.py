"""An evaluation that is killed again and again pays for nothing twice and reports the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from catsdk.testing import FunctionProvider, LoopbackServer, Weather
from tests.runs.killing import IN_FLIGHT, Paid, finish, kept_numbers, kill_at_random, start

pytest.importorskip("matplotlib")


def evaluation(data: Path, out: Path) -> list[str]:
    names = ("majority", "synthesis", "cascade", "generative", "mixture", "synthesis+shuffled")
    estimators = [part for name in names for part in ("--estimator", name)]
    sizes = ["--sizes", "2,4", "--title", "t", "--json"]
    return ["eval", str(data), "--out", str(out), *sizes, *estimators]


def report_in(out: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return made


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
        finish(start(server, *evaluation(data, tmp_path / "whole")))

    paid = Paid()
    weather = Weather(latency=0.004, jitter=0.9)
    with LoopbackServer(FunctionProvider(paid.script), weather=weather) as server:
        most = whole.served // kills
        for _ in range(kills):
            paid.expect(random.randint(1, most))
            kill_at_random(start(server, *evaluation(data, tmp_path / "killed")), paid, random)
        finish(start(server, *evaluation(data, tmp_path / "killed")))
        served = server.counters.completions

    assert report_in(tmp_path / "killed") == report_in(tmp_path / "whole")
    kept = kept_numbers(tmp_path / "killed")
    assert len(kept) == whole.served
    assert set(paid.calls) == set(whole.calls)
    # Once an answer was kept, the same was never asked again.
    assert paid.repeated(kept) == []
    # What was asked twice was under way when the process was killed, or arrived and was not yet
    # written.
    lost = served - len(kept)
    assert 0 <= lost <= kills * 2 * IN_FLIGHT
    told = f"{kills} kills, {whole.served} calls, {served} served, {lost} under way when killed"
    sys.stdout.write(f"{told}\n")
