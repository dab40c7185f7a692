"""`catsdk view` writes one file, and says what is wrong with what it is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.view.seen import four, write

pytest.importorskip("pyarrow")
ROOT = Path(__file__).parents[2]


def view(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CATSDK_")}
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))
    return subprocess.run(
        [sys.executable, "-c", "from catsdk.cli import main; main()", "view", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**clean, "PYTHONPATH": paths},
    )


def test_an_export_tells_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "sums", four())
    page = tmp_path / "page.html"
    done = view(str(tmp_path), "--export", str(page))
    assert done.returncode == 0, done.stderr
    assert "1 run, 5 items; nothing is left out" in " ".join(done.stdout.split())
    text = page.read_text("utf-8")
    assert "default-src 'none'" in text and "src=" not in text.partition("catsdk-data")[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "nowhere does not exist"),
        ((".", "--host", "0.0.0.0"), "--token"),
        (("EMPTY", "--export", "page.html"), "there are no catsdk runs"),
    ],
)
def test_what_cannot_be_shown_is_told_with_the_fix(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "empty").mkdir()
    given = [str(tmp_path / "empty") if each == "EMPTY" else each for each in arguments]
    done = view(*given)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
