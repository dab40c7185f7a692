"""The exit codes are listed once, and help and documentation say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catsdk.cli.exit_codes import MEANINGS, ExitCode
from tests import forked
from tests.forked import CATSDK, clean_environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "error-types.md"


@pytest.mark.parametrize("command", [(), ("train",)], ids=["catsdk", "catsdk train"])
def test_the_help_lists_every_exit_code(command: tuple[str, ...]) -> None:
    told = forked.run(*CATSDK, *command, "--help", env=clean_environment() | {"COLUMNS": "140"})
    words = " ".join(re.sub(r"[│╭╮╰╯─]", " ", told.stdout).split())
    for code in ExitCode:
        assert f"{code.value} {MEANINGS[code]}" in words


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    section = PAGE.read_text("utf-8").partition("## How commands end")[2]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(str(code.value), MEANINGS[code]) for code in ExitCode]


def test_no_command_ends_with_a_number_of_its_own() -> None:
    for file in (ROOT / "catsdk" / "cli").rglob("*.py"):
        text = file.read_text("utf-8")
        assert not re.search(r"(Exit|sys\.exit)\([^)]*\b\d", text), file
