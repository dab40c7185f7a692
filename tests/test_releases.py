"""What a release rests on: one version, workflows and their targets, licences, a floor."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

import catsdk
from docs import licence_table, nightly

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_the_version_is_the_same_wherever_it_stands() -> None:
    project = PYPROJECT["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert project["version"] == catsdk.__version__ == cited["version"]
    assert f"## {catsdk.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_of_the_makefile_and_may_write_nothing(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    told = yaml.safe_load(text)
    assert told["permissions"] == {"contents": "read"}
    assert set(re.findall(r"run: make ([\w-]+)", text)) <= TARGETS
    for job in told["jobs"].values():
        assert ("uses" in job) != ("runs-on" in job)
        assert all("uses" in step or "run" in step for step in job.get("steps", ()))


def test_what_is_published_is_what_the_check_built_and_tested_on_each_python() -> None:
    check, release = (_jobs(name) for name in ("check", "release"))
    assert release["publish"]["needs"] == "check"
    assert release["check"]["uses"] == "./.github/workflows/check.yml"
    assert release["publish"]["permissions"] == {"id-token": "write"}
    (fetched, published) = release["publish"]["steps"]
    assert fetched["with"]["name"] == check["wheel"]["steps"][-1]["with"]["name"]
    assert published["uses"].startswith("pypa/gh-action-pypi-publish@")
    for tested in ("pythons", "installed"):
        assert check[tested]["needs"] == "wheel"
        assert check[tested]["strategy"]["matrix"]["python"] == _admitted()


def test_a_floor_for_the_branches_that_tests_reach_is_held_in_the_workflow() -> None:
    report = PYPROJECT["tool"]["coverage"]["report"]
    assert PYPROJECT["tool"]["coverage"]["run"]["branch"] is True
    assert report["fail_under"] >= 80
    assert any(
        "make coverage" in step.get("run", "") for step in _jobs("check")["coverage"]["steps"]
    )


def _jobs(workflow: str) -> Any:
    text = (ROOT / ".github/workflows" / f"{workflow}.yml").read_text("utf-8")
    return yaml.safe_load(text)["jobs"]


def _admitted() -> list[str]:
    """The Pythons that the metadata admits."""
    versions = SpecifierSet(PYPROJECT["project"]["requires-python"])
    return [text for minor in range(100) if (text := f"3.{minor}") in versions]


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
