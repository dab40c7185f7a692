"""The notebooks of the documentation run, draw, and are kept without outputs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.notebooks.execute import execute, notebooks, stripped
from docs.site import notebooks as pages

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
Notebook = dict[str, Any]


def read(path: Path) -> Notebook:
    notebook: Notebook = json.loads(path.read_text("utf-8"))
    return notebook


def cells(notebook: Notebook, kind: str) -> list[Notebook]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def of_a_notebook(*sources: tuple[str, str]) -> str:
    made: list[Notebook] = [
        {"cell_type": kind, "id": f"c{at}", "metadata": {}, "source": [text]}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for at, (kind, text) in enumerate(sources)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_there_are_at_least_five() -> None:
    assert len(notebooks()) >= 5


@pytest.mark.needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_draws(path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    ran = json.loads(execute(path))
    drawn = [
        o
        for cell in cells(ran, "code")
        for o in cell["outputs"]
        if "image/png" in o.get("data", {})
    ]
    assert drawn


def test_a_cell_that_raises_ends_the_run(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    exceptions = pytest.importorskip("nbclient.exceptions")
    path = tmp_path / "wrong.ipynb"
    path.write_text(of_a_notebook(("code", "print('before')"), ("code", "1 / 0")), "utf-8")
    with pytest.raises(exceptions.CellExecutionError, match="ZeroDivisionError"):
        execute(path)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    text = path.read_text("utf-8")
    assert stripped(text) == text, "run: python -m docs.notebooks.execute --strip"


def test_stripping_takes_outputs_counts_and_what_editors_leave_and_nothing_else() -> None:
    clean = stripped(of_a_notebook(("markdown", "# A"), ("code", "1 + 1")))
    notebook = json.loads(clean)
    notebook["cells"][1] |= {
        "execution_count": 7,
        "metadata": {"scrolled": True},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["2"]}],
    }
    notebook["metadata"]["widgets"] = {}
    assert stripped(json.dumps(notebook)) == clean


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_begins_with_its_title_and_is_listed(path: Path) -> None:
    first = "".join(read(path)["cells"][0]["source"])
    assert re.match(r"# [^\n]+\n\n\w", first)
    assert f"]({path.name})" in (path.parent / "index.md").read_text("utf-8")


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_every_link_of_a_notebook_leads_to_a_file(path: Path) -> None:
    texts = "".join("".join(cell["source"]) for cell in cells(read(path), "markdown"))
    for target in LINK.findall(texts):
        assert "://" in target or (path.parent / target).exists(), target


def executed(path: Path, folder: Path, output: dict[str, Any]) -> None:
    notebook = read(path)
    notebook["cells"][1]["outputs"] = [output]
    (folder / path.name).write_text(json.dumps(notebook), "utf-8")


@pytest.fixture(name="source")
def a_notebook_of_two_cells(tmp_path: Path) -> Path:
    source = tmp_path / "sums.ipynb"
    told = "# Sums\n\nSee [others](more-sums.ipynb) and [data](../data.md)."
    source.write_text(of_a_notebook(("markdown", told), ("code", "1 + 1")), "utf-8")
    return source


def test_a_page_shows_text_code_what_was_printed_and_pictures(source: Path, tmp_path: Path) -> None:
    ran, site = tmp_path / "ran", tmp_path / "site"
    ran.mkdir()
    site.mkdir()
    executed(source, ran, {"output_type": "display_data", "data": {"image/png": "iVBORw0="}})
    assert pages.write_page(source, site, ran)
    page = (site / "sums.md").read_text("utf-8")
    assert "[others](more-sums.md) and [data](../data.md)" in page
    assert "```python\n1 + 1\n```\n\n![What the cell above draws](sums-1.png)" in page
    assert (site / "sums-1.png").read_bytes().startswith(b"\x89PNG")
    assert (site / "sums.ipynb").exists()


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (
            {"output_type": "stream", "name": "stdout", "text": ["\x1b[31m2\x1b[0m\n"]},
            "```text\n2\n```",
        ),
        ({"output_type": "execute_result", "data": {"text/plain": ["2"]}}, "```text\n2\n```"),
        ({"output_type": "stream", "name": "stdout", "text": "a ``` b"}, "````text\na ``` b\n````"),
        (
            {"output_type": "execute_result", "data": {"text/html": "<b>2</b>\n\n<i>3</i>"}},
            "<div>\n<b>2</b>\n<i>3</i>\n</div>",
        ),
    ],
)
def test_a_page_shows_an_output_of_each_kind(
    source: Path, tmp_path: Path, output: dict[str, Any], shown: str
) -> None:
    (tmp_path / "ran").mkdir()
    executed(source, tmp_path / "ran", output)
    pages.write_page(source, tmp_path, tmp_path / "ran")
    assert shown in (tmp_path / "sums.md").read_text("utf-8")


def test_warnings_and_progress_are_not_shown(source: Path, tmp_path: Path) -> None:
    (tmp_path / "ran").mkdir()
    executed(source, tmp_path / "ran", {"output_type": "stream", "name": "stderr", "text": "slow"})
    pages.write_page(source, tmp_path, tmp_path / "ran")
    assert "slow" not in (tmp_path / "sums.md").read_text("utf-8")


def test_outputs_of_other_code_are_not_shown(source: Path, tmp_path: Path) -> None:
    (tmp_path / "ran").mkdir()
    executed(source, tmp_path / "ran", {"output_type": "stream", "name": "stdout", "text": "old"})
    source.write_text(source.read_text("utf-8").replace("1 + 1", "1 + 2"), "utf-8")
    assert not pages.write_page(source, tmp_path, tmp_path / "ran")
    assert "old" not in (tmp_path / "sums.md").read_text("utf-8")
