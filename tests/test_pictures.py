"""Every picture of the documentation is made by a command, and is shown on a page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import pictures

DOCS = Path(__file__).resolve().parent.parent / "docs"
SUFFIXES = (".png", ".svg", ".jpg", ".gif", ".webp")


def kept() -> set[str]:
    found = (path for path in DOCS.rglob("*") if path.suffix in SUFFIXES)
    return {path.relative_to(DOCS).as_posix() for path in found}


def test_every_picture_has_a_command_that_makes_it() -> None:
    made = [file for each in pictures.PICTURES.values() for file in each.files]
    assert sorted(made) == sorted(kept())


def test_every_picture_is_shown_on_a_page_or_named_there() -> None:
    pages = [*DOCS.glob("**/*.md"), DOCS.parent / "README.md"]
    text = "".join(page.read_text("utf-8") for page in pages)
    assert {name for name in kept() if name not in text} == set()


def test_the_contributors_are_told_how_each_is_made() -> None:
    text = (DOCS.parent / "CONTRIBUTING.md").read_text("utf-8")
    section = text.partition("## Pictures")[2]
    told = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", section, re.MULTILINE))
    files = {name: each.files for name, each in pictures.PICTURES.items()}
    assert told.keys() == files.keys()
    for name, cell in told.items():
        assert all(file.rpartition("/")[0] in cell for file in files[name])


def test_the_screens_that_are_shot_are_those_of_the_list() -> None:
    text = (DOCS / "screenshots.py").read_text("utf-8")
    for file in pictures.PICTURES["viewer"].files:
        assert f'"{Path(file).stem}' in text


def test_a_name_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pictures.main(["portrait"])
    assert "unknown pictures ['portrait']; give some of: curves" in capsys.readouterr().err


def test_the_curves_are_drawn_from_the_numbers_that_are_kept(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for file in (DOCS / "lab" / "rubric").glob("*.json"):
        shutil.copy(file, tmp_path)
    code = pictures.PICTURES["rubric-curves"].command[1].replace("docs/lab/rubric", str(tmp_path))
    subprocess.run([sys.executable, "-c", code], cwd=DOCS.parent, check=True)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
