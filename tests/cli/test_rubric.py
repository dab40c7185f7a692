"""`catsdk rubric` proposes, judges and shows, and its exit code tells of missing rewards."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catsdk.cli.app import app
from catsdk.cli.destinations import check_file
from catsdk.core.errors import InvalidInputError, NoModelError
from catsdk.core.types import Request
from catsdk.rubrics.files import load
from catsdk.rubrics.judged import Judged
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from tests.rubrics.scripted import contains_judge

MODEL = ["--model", "openai:loopback"]
RUBRIC = "criteria:\n- alpha\n- {text: beta, weight: 2}\n"


def script(request: Request) -> object:
    if "criteria by which" in request.messages[0].text:
        return json.dumps({"criteria": [f"criterion {at}" for at in range(6)]})
    return contains_judge().script(request)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    model = FunctionProvider(script)  # type: ignore[arg-type]
    with LoopbackServer(model) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "r.yaml").write_text(RUBRIC, encoding="utf-8")
    (tmp_path / "a.txt").write_text("alpha and beta\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('"alpha"\n{"text": "gamma"}\n', encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("served")
def test_a_rubric_is_proposed_shown_and_saved(folder: Path) -> None:
    out = folder / "new.yaml"
    args = ["rubric", "propose", str(folder / "a.txt"), *MODEL, "-o", str(out)]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    assert "criterion 5" in result.output
    assert len(load(out).criteria) == 6


def test_a_rubric_that_any_text_meets_is_rejected_and_not_saved(folder: Path) -> None:
    planted = ["Take", "mg", "Take mg and wait"]
    replies = iter([json.dumps({"criteria": planted})])

    def model(request: Request) -> object:
        proposing = "criteria by which" in request.messages[0].text
        return next(replies) if proposing else contains_judge().script(request)

    out, source = folder / "new.yaml", folder / "reference.txt"
    source.write_text("Take 50 mg. Take 60 mg. Take 70 mg.", encoding="utf-8")
    args = ["rubric", "propose", str(source), *MODEL, "--at-least", "3", "-o", str(out)]
    with LoopbackServer(FunctionProvider(model)) as server:  # type: ignore[arg-type]
        env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
        more = ["--check-by", "openai:loopback", "--compound", "drop", "--no-twins"]
        result = CliRunner().invoke(app, [*args, *more], env=env)
    assert result.exit_code == 3, result.output
    assert "rejected: it does not rank the reference above a worse text" in result.output
    assert not out.exists()


@pytest.mark.usefixtures("served")
def test_responses_are_judged_into_a_matrix_a_file_and_a_page(folder: Path) -> None:
    out, page = folder / "j.json", folder / "j.html"
    files = [str(folder / name) for name in ("r.yaml", "a.txt", "b.jsonl")]
    args = ["rubric", "judge", *files, *MODEL, "-o", str(out), "--html", str(page), "--evidence"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    judged = Judged.load(out)
    assert [score.value for score in judged.scores] == [1.0, pytest.approx(1 / 3), 0.0]
    assert '"beta"' in result.output
    assert page.read_text(encoding="utf-8").count('class="verdict') == 6
    shown = CliRunner().invoke(app, ["rubric", "show", str(out)])
    assert (shown.exit_code, "1.00" in shown.output) == (0, True)


def test_a_missing_reward_is_told_by_the_exit_code(served: LoopbackServer, folder: Path) -> None:
    served.fail_next("401", "401")
    args = ["rubric", "judge", str(folder / "r.yaml"), str(folder / "a.txt"), *MODEL]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 3, result.output
    assert "none" in result.output
    assert "2 x AuthenticationError" in result.output


def test_a_rubric_file_is_shown(folder: Path) -> None:
    result = CliRunner().invoke(app, ["rubric", "show", str(folder / "r.yaml")])
    assert (result.exit_code, "beta" in result.output) == (0, True)


def test_what_cannot_be_done_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CATSDK_MODEL", raising=False)
    rubric, text = str(folder / "r.yaml"), str(folder / "a.txt")
    for args, error in (
        (["judge", rubric, text], NoModelError),
        (["judge", rubric, str(folder / "none.txt"), *MODEL], InvalidInputError),
        (["judge", rubric, text, *MODEL, "--mode", "some"], InvalidInputError),
        (["show", rubric, "--html", str(folder / "x.html")], InvalidInputError),
    ):
        assert isinstance(CliRunner().invoke(app, ["rubric", *args]).exception, error), args


@pytest.mark.usefixtures("served")
def test_a_line_of_json_ends_at_a_line_feed_alone(folder: Path) -> None:
    texts = ["alpha\u2028beta", "alpha\u0085beta"]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    (folder / "raw.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = folder / "j.json"
    args = ["rubric", "judge", str(folder / "r.yaml"), str(folder / "raw.jsonl"), *MODEL]
    result = CliRunner().invoke(app, [*args, "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert [rollout.text for rollout in Judged.load(out).group.rollouts] == texts


@pytest.mark.parametrize(
    ("command", "option", "name", "told"),
    [
        ("propose", "--out", "none/new.yaml", "there is no folder .*none; create it first"),
        ("propose", "--out", "new.txt", "new.txt ends in '.txt'; name it .yaml, .yml or .json"),
        ("propose", "--out", ".", "it is a folder; name a file"),
        ("judge", "--out", "none/j.json", "--out .* there is no folder"),
        ("judge", "--html", "none/j.html", "--html .* there is no folder"),
        ("judge", "--html", ".", "it is a folder; name a file"),
    ],
)
def test_nothing_is_paid_for_a_result_that_cannot_be_written(
    served: LoopbackServer, folder: Path, command: str, option: str, name: str, told: str
) -> None:
    files = ["a.txt"] if command == "propose" else ["r.yaml", "a.txt"]
    args = ["rubric", command, *(str(folder / each) for each in files), *MODEL]
    result = CliRunner().invoke(app, [*args, option, str(folder / name)])
    assert isinstance(result.exception, InvalidInputError), result.output
    assert re.search(told, str(result.exception))
    assert served.counters.requests == 0


def test_a_write_protected_place_is_refused_and_an_old_file_kept(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("kept", encoding="utf-8")
    check_file("--out", old)
    check_file("--out", None)
    assert old.read_text(encoding="utf-8") == "kept"
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    old.chmod(0o400)
    with pytest.raises(InvalidInputError, match="writing there is not allowed"):
        check_file("--out", old)
