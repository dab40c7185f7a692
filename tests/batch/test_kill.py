"""A batch that is killed again and again pays for nothing twice, and every row is there once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from catsdk.testing import FunctionProvider, LoopbackServer, Weather
from tests.runs.killing import IN_FLIGHT, Paid, finish, kept_numbers, kill_at_random, start


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "rows"), [(4, 120), pytest.param(20, 600, marks=pytest.mark.soak, id="soak")]
)
@pytest.mark.behaviour("no-kept-answer-is-bought-again")
def test_a_batch_that_is_killed_at_random_points_repeats_no_kept_call(
    tmp_path: Path, kills: int, rows: int
) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "out"
    lines = [{"id": f"r{at}", "prompt": f"question {at}?"} for at in range(rows)]
    data.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    command = ["batch", str(data), "--out", str(out), "-n", "3", "--produce", "reference"]
    random, paid = Random(5), Paid()
    weather = Weather(latency=0.004, jitter=0.9)
    # A call for three rollouts and one for the synthesis.
    whole = 2 * rows
    with LoopbackServer(FunctionProvider(paid.script), weather=weather) as server:
        for _ in range(kills):
            paid.expect(random.randint(1, whole // (2 * kills)))
            kill_at_random(start(server, *command), paid, random)
        finish(start(server, *command))

    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["rows"]["rows"] == manifest["rows"]["ok"] == rows
    records = [
        json.loads(line)
        for path in out.glob("part-*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert Counter(record["id"] for record in records) == {f"r{at}": 1 for at in range(rows)}
    kept = kept_numbers(out)
    # Once an answer was kept, the same was never asked again.
    assert paid.repeated(kept) == []
    lost = paid.served - manifest["rows"]["usage"]["requests"]
    assert 0 <= lost <= kills * 2 * IN_FLIGHT
