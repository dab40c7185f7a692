"""Pages of the site from the notebooks: text and code, and what they showed when they last ran.

`make notebooks` runs them, into out/notebooks. One that was not run as it stands now is shown
without outputs, so that the site never shows what other code did.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

__all__ = ["EXECUTED", "SOURCES", "read", "write_page"]

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ROOT / "docs" / "notebooks"
EXECUTED: Final = ROOT / "out" / "notebooks"
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
Cell: TypeAlias = dict[str, Any]


def read(source: Path, executed: Path = EXECUTED) -> tuple[list[Cell], bool]:
    """The cells of a notebook, and whether they have what they showed.

    Args:
        source: The notebook in git.
        executed: The folder of those that were run.
    """
    cells = _cells(source)
    run = executed / source.name
    if run.is_file() and _sources(of := _cells(run)) == _sources(cells):
        return of, True
    return cells, False


def write_page(source: Path, folder: Path, executed: Path = EXECUTED) -> bool:
    """Write the page of a notebook, its pictures and the notebook itself into a folder.

    Args:
        source: The notebook in git.
        folder: Where they go.
        executed: The folder of notebooks that were run.

    Returns:
        Whether the page has the outputs.
    """
    cells, ran = read(source, executed)
    parts: list[str] = []
    pictures = 0
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(_with_pages(text))
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            if picture := output.get("data", {}).get("image/png"):
                pictures += 1
                name = f"{source.stem}-{pictures}.png"
                (folder / name).write_bytes(base64.b64decode("".join(picture)))
                parts.append(f"![What the cell above draws]({name})")
            else:
                parts += _shown(output)
    title, *rest = parts
    heading, _, lead = title.partition("\n")
    about = f"*This page is a notebook: [download it]({source.name}).*"
    page = "\n\n".join([heading, about, lead.strip(), *rest])
    (folder / source.with_suffix(".md").name).write_text(page + "\n", "utf-8")
    (folder / source.name).write_text(source.read_text("utf-8"), "utf-8")
    return ran


def _cells(notebook: Path) -> list[Cell]:
    cells: list[Cell] = json.loads(notebook.read_text("utf-8"))["cells"]
    return cells


def _sources(cells: list[Cell]) -> list[str]:
    return ["".join(cell["source"]) for cell in cells]


def _with_pages(text: str) -> str:
    """A text whose links to notebooks lead to their pages."""
    return re.sub(r"\]\(([\w-]+)\.ipynb\)", r"](\1.md)", text)


def _shown(output: dict[str, Any]) -> Iterator[str]:
    """What a cell printed or returned; warnings and progress on stderr are left out."""
    data = output.get("data", {})
    if output["output_type"] == "stream" and output["name"] == "stdout":
        yield from _fenced("".join(output["text"]))
    elif "text/html" in data:
        # A blank line would end the HTML.
        html = "".join(data["text/html"])
        yield "\n".join(["<div>", *(line for line in html.splitlines() if line.strip()), "</div>"])
    elif "text/plain" in data:
        yield from _fenced("".join(data["text/plain"]))


def _fenced(text: str) -> Iterator[str]:
    plain = COLOURS.sub("", text).strip("\n")
    if plain.strip():
        ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", plain)), default=0))
        yield f"{ticks}text\n{plain}\n{ticks}"
