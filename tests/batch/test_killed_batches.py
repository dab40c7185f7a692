"""A run that is killed at each step of a provider's batch buys nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.testing.batches.desk import Step
from tests import forked
from tests.forked import CATSDK, Forked, clean_environment

ROWS = 8
# Each start is killed at the first occurrence of a step: at "created" before the reply to the
# order, at "download" before the results are sent, at "downloaded" while they are written down.
POINTS: list[Step] = ["upload", "created", "poll", "download", "downloaded"]
QUICK = {
    "CATSDK_BATCH__SEND_AFTER": "0.1",
    "CATSDK_BATCH__POLL": "0.05",
    "CATSDK_BATCH__CONFIRM": "0.5",
}


def command(server: LoopbackServer, wire: str, *arguments: str) -> Forked:
    vendor = wire.upper()
    own = {f"{vendor}_BASE_URL": server.url, f"{vendor}_API_KEY": server.key}
    return forked.start(*CATSDK, *arguments, env=clean_environment(wire) | QUICK | own)


def start(server: LoopbackServer, wire: str, data: Path, out: Path) -> Forked:
    model = f"{wire}:{server.model}"
    what = ("batch", str(data), "--out", str(out), "-n", "2", "--batch", "all", "--model", model)
    return command(server, wire, *what)


class Killer:
    """Kills the process that it watches at a step."""

    def __init__(self, step: Step, *, cuts: bool = False) -> None:
        self.step, self.cuts = step, cuts
        self.process: Forked | None = None

    def __call__(self, step: Step) -> None:
        if self.process is None or step != self.step:
            return
        self.process.kill()
        self.process.wait()
        if self.cuts:
            raise ConnectionResetError


def rows_in(tmp_path: Path) -> tuple[Path, Path]:
    data, out = tmp_path / "data.jsonl", tmp_path / "out"
    lines = [{"id": f"r{at}", "prompt": f"question {at}?"} for at in range(ROWS)]
    data.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return data, out


def killed(server: LoopbackServer, wire: str, data: Path, out: Path, killer: Killer) -> int | None:
    process = killer.process = start(server, wire, data, out)
    server.batches.on_step = killer
    process.communicate(timeout=240)
    server.batches.on_step = lambda step: None
    return process.returncode


def finished(server: LoopbackServer, wire: str, data: Path, out: Path) -> dict[str, int]:
    process = start(server, wire, data, out)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    counts: dict[str, int] = manifest["rows"]
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@pytest.mark.behaviour("provider-batch-is-bought-once")
def test_a_run_that_is_killed_at_each_step_of_a_batch_buys_nothing_twice(
    wire: str, tmp_path: Path
) -> None:
    data, out = rows_in(tmp_path)
    with LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}")) as server:
        deaths = [
            killed(server, wire, data, out, Killer(step))
            for step in POINTS
            # Anthropic's requests go along with the order.
            if not (wire == "anthropic" and step == "upload")
        ]
        counts = finished(server, wire, data, out)
    assert counts["rows"] == counts["ok"] == ROWS
    # A row has two rollouts, which are one request where the wire takes n, and a synthesis.
    requests = 2 if wire == "openai" else 3
    assert sum(server.batches.bought.values()) == requests * ROWS
    assert server.counters.requests == 0
    assert set(deaths) == {-9}


@pytest.mark.slow
@pytest.mark.behaviour("provider-batch-in-doubt-is-reported")
def test_a_batch_that_may_have_been_bought_is_reported_and_resolved_by_a_command(
    tmp_path: Path,
) -> None:
    data, out = rows_in(tmp_path)
    with LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}")) as server:
        # Killed when the order was sent, and before anything was made of it.
        assert killed(server, "openai", data, out, Killer("create", cuts=True)) == -9
        process = start(server, "openai", data, out)
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 2
        told = " ".join(errors.split())
        assert "may have been bought" in told and "--not-created 1" in told
        assert not server.batches.batches

        resolving = command(server, "openai", "batches", str(out), "--not-created", "1")
        resolving.communicate(timeout=60)
        assert resolving.returncode == 0
        counts = finished(server, "openai", data, out)
    assert counts["ok"] == ROWS
    assert max(server.batches.bought.values()) == 1
