"""What a release rests on: one version, workflows of targets that exist, licences told."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import catsdk
from docs import licence_table, nightly

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_the_version_is_the_same_wherever_it_stands() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert project["version"] == catsdk.__version__ == cited["version"]
    assert f"## {catsdk.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_of_the_makefile_and_may_write_nothing(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    told = yaml.safe_load(text)
    assert told["permissions"] == {"contents": "read"}
    named = set(re.findall(r"run: make ([\w-]+)", text))
    assert named and named <= TARGETS
    for job in told["jobs"].values():
        assert job["runs-on"] and all("uses" in step or "run" in step for step in job["steps"])


def test_the_nightly_workflow_runs_parts_that_there_are() -> None:
    told = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))
    parts = set(told["jobs"]["part"]["strategy"]["matrix"]["part"])
    assert parts and parts <= set(nightly.PARTS)


def test_what_pip_brings_by_default_is_listed_with_its_licence() -> None:
    found = licence_table.installed_by_default()
    assert {"openai", "pydantic", "yarl"} <= set(found)
    assert "torch" not in found and "not said" not in found.values()
    page = licence_table.PAGE.read_text("utf-8")
    assert licence_table.rewritten(page) == page, "run: python docs/licence_table.py"
