"""`catsdk eval` takes one's own estimators, and its exit code and last words say how it ended."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from catsdk.core.types import Request
from catsdk.testing import FunctionProvider, LoopbackServer
from tests import forked
from tests.cli.test_eval import MAIN, environment, evaluate, one_line

pytest.importorskip("matplotlib")

OWN = """
class Longest:
    async def estimate(self, group, ctx):
        return ctx.reference(max(group.rollouts, key=lambda rollout: len(rollout.text)))
"""
CONFIG = """
policy: openai:loopback
estimator: {Cascade: {easy: Majority, hard: "mine:Longest"}}
"""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(FunctionProvider(lambda _: "\\boxed{4}")) as server:
        yield server


def served(server: LoopbackServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}


def sums(tmp_path: Path, count: int, column: str = "gold") -> str:
    data = tmp_path / "sums.jsonl"
    rows = [{"prompt": f"{at} less {at - 4}?", column: "4"} for at in range(count)]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(data)


def command(data: str, tmp_path: Path, *more: str) -> tuple[str, ...]:
    out = ("--sizes", "2", "--out", str(tmp_path / "out"))
    return (data, "-m", "openai:loopback", *out, "-e", "majority", *more)


@pytest.fixture
def locked(server: LoopbackServer) -> dict[str, str]:
    """An environment with a key that the server does not take."""
    return served(server) | {"OPENAI_API_KEY": "wrong"}


def test_a_wrong_key_ends_it_soon_with_the_services_message(
    server: LoopbackServer, locked: dict[str, str], tmp_path: Path
) -> None:
    done = evaluate(*command(sums(tmp_path, 400), tmp_path), env=locked)
    assert done.returncode == 1
    told = one_line(done.stderr)
    assert "AuthenticationError: the evaluation was stopped" in told
    assert "openai:loopback has not answered once, and failed 10 times alike" in told
    assert server.counters.requests < 800


def test_a_few_items_of_which_all_fail_are_no_success(
    locked: dict[str, str], tmp_path: Path
) -> None:
    done = evaluate(*command(sums(tmp_path, 2), tmp_path), env=locked)
    assert done.returncode == 1
    assert "no rollout was drawn" in one_line(done.stderr)
    assert "4 failures rollout: AuthenticationError: " in one_line(done.stdout)


def test_each_start_has_the_budget_and_the_last_one_ends_well(
    server: LoopbackServer, tmp_path: Path
) -> None:
    asked = command(sums(tmp_path, 4), tmp_path, "--max-requests", "5")
    codes: list[int] = []
    counts: list[int] = []
    for _ in range(2):
        done = evaluate(*asked, env=served(server))
        codes.append(done.returncode)
        counts.append(server.counters.completions)
        if len(codes) == 1:
            assert "the budget of 5 requests is reached" in one_line(done.stderr)
    assert codes == [3, 0]
    assert counts == [5, 8]


def test_a_misspelt_gold_column_is_an_error_that_names_the_columns(
    server: LoopbackServer, tmp_path: Path
) -> None:
    data = sums(tmp_path, 2, "anwser")
    done = evaluate(*command(data, tmp_path), env=served(server))
    assert done.returncode == 2
    assert "it has the columns prompt, anwser" in one_line(done.stderr)
    wrong = evaluate(*command(data, tmp_path, "--gold-column", "answer"), env=served(server))
    assert wrong.returncode == 2
    assert "no gold column 'answer'; it has prompt, anwser" in one_line(wrong.stderr)
    assert server.counters.requests == 0
    assert evaluate(*command(data, tmp_path, "--ungraded"), env=served(server)).returncode == 0


def test_where_answers_are_not_found_there_is_no_ranking_and_the_fix_is_told(
    tmp_path: Path,
) -> None:
    with LoopbackServer(FunctionProvider(lambda _: "Perhaps, perhaps not")) as server:
        done = evaluate(*command(sums(tmp_path, 2), tmp_path), env=served(server))
    assert done.returncode == 2
    assert "no ranking 4 of 4 rollouts (100%) have no final answer" in one_line(done.stdout)
    assert "\\boxed{}" in one_line(done.stderr)
    assert "estimator" not in done.stdout.split("no ranking")[0]
    assert "No ranking." in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_own_estimators_and_whole_methods_are_named_on_the_command_line(
    server: LoopbackServer, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "cat.yaml").write_text(CONFIG, encoding="utf-8")
    asked = command(sums(tmp_path, 2), tmp_path, "-e", "mine:Longest", "--json")
    made = evaluate(*asked, env=served(server), folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert names(made.stdout) == ["majority", "Longest"]
    shared = ("--sizes", "2", "--out", str(tmp_path / "out"), "--json")
    config = (str(tmp_path / "sums.jsonl"), "--config", "cat.yaml", *shared, "-e", "majority")
    configured = evaluate(*config, env=served(server), folder=tmp_path)
    assert configured.returncode == 0, configured.stderr
    assert names(configured.stdout) == ["majority", "Cascade"]
    both = evaluate(*config, "-m", "openai:loopback", env=served(server), folder=tmp_path)
    assert both.returncode == 2
    assert "--config names the policy" in one_line(both.stderr)


def names(report: str) -> list[str]:
    return [point["estimator"] for point in json.loads(report)["points"]]


# A shell that runs the tests in the background lets their processes ignore Ctrl-C.
HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    asked = threading.Event()

    def script(_: Request) -> str:
        asked.set()
        hold.wait(timeout=60)
        return "\\boxed{4}"

    hold = threading.Event()
    with LoopbackServer(FunctionProvider(script)) as server:
        process = forked.start(
            *("-c", HEARING + MAIN, "eval", *command(sums(tmp_path, 2), tmp_path)),
            env=environment(served(server)),
        )
        assert asked.wait(timeout=120)
        process.send_signal(signal.SIGINT)
        hold.set()
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "run the same command again to resume" in one_line(errors)
