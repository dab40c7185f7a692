"""`catsdk eval` writes the report that it prints, and goes on where it was."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from catsdk.testing import FunctionProvider, LoopbackServer
from tests import forked
from tests.forked import clean_environment

pytest.importorskip("matplotlib")


MAIN = "from catsdk.cli import main; main()"


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of the command, without settings of whoever runs the tests."""
    return clean_environment() | (more or {})


def evaluate(
    *arguments: str,
    env: dict[str, str] | None = None,
    absent: str | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    without = "" if absent is None else f"import sys; sys.modules[{absent!r}] = None; "
    return forked.run(
        *("-c", without + MAIN, "eval", *arguments), env=environment(env), cwd=folder, seconds=300
    )


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.needs_torch
def test_the_report_is_written_calibrated_and_the_same_when_run_again(tmp_path: Path) -> None:
    command = (
        "box:dev", "--model", "local", "--limit", "12", "--sizes", "1,3", "--max-tokens", "128",
        "--calibrate", "0.5", "--controls", "--out", str(tmp_path),
    )  # fmt: skip
    done = evaluate(*command)
    assert done.returncode == 0, done.stderr
    assert "cascade calibrated on" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["items"] + report["calibration"]["items"] == 12
    names = {point["estimator"] for point in report["points"]}
    assert {"majority", "synthesis", "cascade", "greedy", "random"} <= names
    again = evaluate(*command, "--json")
    assert json.loads(again.stdout) == report


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(FunctionProvider(lambda _: "\\boxed{4}")) as server:
        yield server


@pytest.fixture
def served(server: LoopbackServer) -> dict[str, str]:
    """The environment in which `openai:loopback` is a model on this machine."""
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}


def test_without_out_the_report_is_in_the_folder_that_the_help_names(
    tmp_path: Path, served: dict[str, str]
) -> None:
    (tmp_path / "sums.jsonl").write_text('{"prompt": "2+2?", "answer": "4"}', encoding="utf-8")
    command = ("sums.jsonl", "--model", "openai:loopback", "-e", "majority", "--sizes", "1")
    done = evaluate(*command, env=served, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "catsdk-eval" / "report.json").is_file()


@pytest.fixture
def sums(tmp_path: Path) -> str:
    data = tmp_path / "sums.jsonl"
    data.write_text('{"prompt": "2+2?", "gold": "4"}\n{"prompt": "3+1?", "gold": "4"}\n')
    return str(data)


def measuring(data: str, out: Path) -> tuple[str, ...]:
    return (data, "-m", "openai:loopback", "--sizes", "2", "--json", "--out", str(out))


def test_the_anchor_and_the_judge_of_the_environment_are_those_that_are_measured(
    served: dict[str, str], sums: str, tmp_path: Path
) -> None:
    env = served | {"CATSDK_ANCHOR": "openai:synth", "CATSDK_JUDGE": "openai:judge"}
    command = measuring(sums, tmp_path / "o")
    measured = json.loads(evaluate(*command, env=env).stdout)["models"]
    assert (measured["anchor"], measured["judge"]) == ("openai:synth", "openai:judge")
    named = evaluate(*command, "--anchor", "openai:other", "--judge", "openai:third", env=env)
    measured = json.loads(named.stdout)["models"]
    assert (measured["anchor"], measured["judge"]) == ("openai:other", "openai:third")


def test_what_is_paid_in_all_is_known_where_the_prices_are(
    served: dict[str, str], sums: str, tmp_path: Path
) -> None:
    unpriced = json.loads(evaluate(*measuring(sums, tmp_path / "o"), env=served).stdout)
    assert unpriced["paid"]["cost"] is None
    price = {"openai:loopback": {"input": 1, "output": 1}}
    # What was kept without a price has one as soon as it is given.
    for out in ("o", "another"):
        env = served | {"CATSDK_PRICES": json.dumps(price)}
        made = json.loads(evaluate(*measuring(sums, tmp_path / out), env=env).stdout)
        paid = made["paid"]
        assert paid["requests"] == unpriced["paid"]["requests"]
        assert paid["cost"] == pytest.approx((paid["input_tokens"] + paid["output_tokens"]) / 1e6)
        assert all(point["cost"] is not None for point in made["points"])


@pytest.mark.parametrize("absent", ["numpy", "matplotlib"])
def test_a_package_that_is_not_installed_is_named_before_anything_is_paid(
    server: LoopbackServer, served: dict[str, str], sums: str, tmp_path: Path, absent: str
) -> None:
    out = tmp_path / "out"
    done = evaluate(sums, "-m", "openai:loopback", "--out", str(out), env=served, absent=absent)
    assert done.returncode == 2
    told = one_line(done.stderr)
    assert f"a report needs {absent}: pip install -e '" in told and "[evaluate]'" in told
    assert server.counters.requests == 0


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_paid(
    server: LoopbackServer, served: dict[str, str], sums: str
) -> None:
    for out in (sums, f"{sums}/below"):
        done = evaluate(sums, "-m", "openai:loopback", "--out", out, env=served)
        assert done.returncode == 2
        assert "is a file; name a folder" in one_line(done.stderr)
    assert server.counters.requests == 0


def test_recorded_completions_need_no_model(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    samples = [{"completion": f"\\boxed{{{each}}}", "score": each} for each in (4, 4, 5)]
    data.write_text(json.dumps({"prompt": "2+2?", "gold": "4", "samples": samples}))
    done = evaluate(
        str(data), "--recorded", "--sizes", "1", "--sizes", "3,8", "--out", str(tmp_path / "out")
    )
    assert done.returncode == 0, done.stderr
    assert "recorded completions; none was drawn" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    # Of the sizes asked for, those that the data can serve.
    assert report["sizes"] == [1, 3]
    scores = {p["estimator"]: p["score"]["mean"] for p in report["points"] if p["size"] == 3}
    assert scores["majority"] == 1.0 and scores["score-best-of-n"] == 0.0


def test_a_selector_by_scores_is_taken_by_name_where_the_data_has_scores(tmp_path: Path) -> None:
    data, out = tmp_path / "data.jsonl", str(tmp_path / "out")
    samples = [{"completion": f"\\boxed{{{each}}}", "score": each} for each in (4, 4, 5)]
    command = (str(data), "--recorded", "--sizes", "3", "--out", out, "-e", "score-best-of-n")
    data.write_text(json.dumps({"prompt": "2+2?", "gold": "4", "samples": samples}))
    report = json.loads(evaluate(*command, "--json").stdout)
    names = [point["estimator"] for point in report["points"]]
    assert sorted(names) == ["score-best-of-n", "score-weighted-majority"]
    bare = [sample["completion"] for sample in samples]
    data.write_text(json.dumps({"prompt": "2+2?", "gold": "4", "samples": bare}))
    done = evaluate(*command)
    assert done.returncode == 2
    assert "score-best-of-n: the data holds no scores to select by" in one_line(done.stderr)


@pytest.mark.needs_torch
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("box:dev", "-m", "local", "-e", "magic"), "unknown estimator magic"),
        (("box:dev", "-m", "local", "--sizes", "few"), "--sizes is 'few'"),
        (("nowhere.jsonl", "-m", "local"), "no data set"),
        (("box:dev",), "no model"),
        (("box:dev", "--recorded"), "none of the columns samples"),
        # What stands between colons is no picture.
        (("box:train", "-m", "local"), "box:train: unknown split"),
        (("box:dev", "-m", "local", "--calibrate", "0.01"), "of 2 items is none"),
        (
            ("box:dev", "-m", "local", "-e", "majority", "--calibrate-on", "box:dev:1"),
            "the cascade",
        ),
    ],
)
def test_wrong_input_is_named_with_exit_code_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = evaluate(*arguments, "--limit", "2", "--out", str(tmp_path))
    assert done.returncode == 2
    assert message in one_line(done.stderr)
