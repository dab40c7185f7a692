"""`catsdk batch` as it is typed: estimates, what is refused, progress, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catsdk.testing import FunctionProvider, LoopbackServer, Weather
from tests import forked
from tests.forked import CATSDK, PATHS, clean_environment

MAIN = "from catsdk.cli import main; main()"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    weather = Weather(latency=0.01)
    model = FunctionProvider(lambda _: r"\boxed{4}")
    with LoopbackServer(model, weather=weather) as server:
        yield server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    rows = ({"id": f"r{at}", "prompt": f"question {at}?"} for at in range(12))
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def environment(server: LoopbackServer) -> dict[str, str]:
    return clean_environment("openai") | {
        "PYTHONPATH": PATHS,
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": server.key,
        "COLUMNS": "140",
    }


def typed(server: LoopbackServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    two = ("--model", f"openai:{server.model}", "-n", "2")
    return forked.run(*CATSDK, "batch", *arguments, *two, env=environment(server), seconds=120)


def test_an_estimate_says_what_is_to_come_and_the_same_command_goes_on(
    server: LoopbackServer, data: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    told = typed(server, str(data), "--out", out, "--estimate", "--probes", "4")
    assert told.returncode == 0, told.stderr
    assert "8 rows left with 2 rollouts each, estimated from 4 that were processed" in told.stdout
    assert "synthesize" in told.stdout
    # The loopback model has no price.
    assert "unknown" in told.stdout
    assert server.counters.requests == 8
    done = typed(server, str(data), "--out", out)
    assert "12 rows: 12 ok" in done.stdout
    assert server.counters.requests == 24
    to_do = "8 rows to do (4 of 12 done or invalid), 2 rollouts each: at most 16 answers to sample"
    assert to_do in done.stderr
    again = typed(server, str(data), "--out", out)
    assert "nothing to do: all 12 rows are done" in again.stderr


def test_a_second_run_says_how_many_answers_are_kept_and_how_many_remain(
    server: LoopbackServer, data: Path, tmp_path: Path
) -> None:
    again = str(data), "--out", str(tmp_path / "out")
    first = typed(server, *again, "--max-requests", "3")
    assert first.returncode == 3, first.stderr
    assert "12 rows to do, 2 rollouts each: at most 24 answers to sample" in first.stderr
    # A row takes two requests, one for its rollouts and one for the synthesis.
    done = int(first.stdout.split("12 rows: ")[1].split(" ok")[0])
    kept, all_left = 2 * (3 - 2 * done), 2 * (12 - done)
    second = typed(server, *again, "--max-requests", "4")
    assert (
        f"2 rollouts each: {kept} of {all_left} answers are kept from before, at most"
        f" {all_left - kept} more answers to sample"
    ) in second.stderr
    assert "12 rows: 12 ok" in typed(server, *again).stdout
    assert server.counters.requests == 24


def test_a_remote_data_set_is_refused_with_the_way_to_copy_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    told = typed(server, "s3://bucket/d.jsonl", "--out", str(tmp_path / "out"))
    assert told.returncode == 2
    assert "aws s3 cp s3://bucket/d.jsonl ." in " ".join(told.stderr.split())
    told = typed(server, "d.jsonl", "--out", "gs://bucket/out")
    assert told.returncode == 2
    assert "gs://bucket/out is not on this machine" in " ".join(told.stderr.split())


def test_a_judge_without_a_rubric_is_refused_before_anything_is_sent(
    server: LoopbackServer, data: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    told = typed(server, str(data), "--out", out, "--judge", "openai:judge")
    assert told.returncode == 2
    assert "--judge names the model that judges by a rubric" in " ".join(told.stderr.split())
    assert server.counters.requests == 0


@pytest.mark.parametrize("out", ["", " "])
def test_an_empty_name_is_not_the_current_folder(
    out: str, server: LoopbackServer, data: Path
) -> None:
    told = typed(server, str(data), "--out", out)
    assert told.returncode == 2
    assert "the name is empty; name a folder" in " ".join(told.stderr.split())
    assert server.counters.requests == 0


def test_a_file_that_holds_no_schema_is_refused_before_anything_is_sent(
    server: LoopbackServer, data: Path, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text("[]")
    told = typed(server, str(data), "--out", str(tmp_path / "out"), "--output", str(schema))
    assert told.returncode == 2 and "write a JSON schema" in " ".join(told.stderr.split())
    assert server.counters.requests == 0


def test_ctrl_c_in_a_terminal_says_how_to_go_on_and_the_bar_counts_tokens(
    server: LoopbackServer, data: Path, tmp_path: Path
) -> None:
    server.change(Weather(latency=0.3))
    # A shell that runs the tests in the background lets their processes ignore Ctrl-C.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + MAIN
    command = [sys.executable, "-c", heard, "batch", str(data), "--out", str(tmp_path / "out")]
    command += ["--model", f"openai:{server.model}", "-n", "2", "--max-in-flight", "1"]
    terminal, inside = pty.openpty()
    process = subprocess.Popen(command, env=environment(server), stdout=inside, stderr=inside)
    os.close(inside)
    shown, interrupted = "", False
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece.decode(errors="replace")
        if not interrupted and " tokens" in shown and " 0 tokens" not in shown[-300:]:
            process.send_signal(signal.SIGINT)
            interrupted = True
    os.close(terminal)
    assert process.wait() == 130
    assert "a second" in shown and "in flight" in shown
    assert "run the same command again to resume" in " ".join(shown.split())
