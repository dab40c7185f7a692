"""Run the notebooks, each in a kernel of its own: `make notebooks`.

    python -m docs.notebooks.execute                       # all, into out/notebooks
    python -m docs.notebooks.execute one-answer-from-eight
    python -m docs.notebooks.execute --strip               # take the outputs out of docs/notebooks

A cell that raises ends it with 1. In git a notebook has no outputs, so that a change of it reads as
a change of its text and code; `make site` shows the executed ones.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

__all__ = ["HERE", "OUT", "execute", "notebooks", "stripped"]

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
OUT: Final = ROOT / "out" / "notebooks"
METADATA: Final = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks() -> list[Path]:
    """The notebooks of the documentation."""
    return sorted(HERE.glob("*.ipynb"))


def stripped(text: str) -> str:
    """The notebook as it stands in git: text and code alone, in one form of JSON."""
    notebook: dict[str, Any] = json.loads(text)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    notebook["metadata"] = METADATA
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def execute(path: Path) -> str:
    """The notebook with the outputs of its cells, run in a new kernel and an empty folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook: Any = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    with TemporaryDirectory() as folder:
        # The kernel leaves no history in the home of who runs it, and asks none of their models.
        kept = {name: value for name, value in os.environ.items() if not _is_ours(name)}
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            startup_timeout=300,
            # It listens on loopback, and warns that it does.
            extra_arguments=["--log-level=ERROR"],
        )
        client.execute(env=kept | {"IPYTHONDIR": f"{folder}/.ipython"})
    return str(nbformat.writes(notebook))  # type: ignore[no-untyped-call]


def _is_ours(name: str) -> bool:
    return name.startswith(("CATSDK_", "OPENAI_", "ANTHROPIC_"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run some notebooks, or strip all of them."""
    names = [path.stem for path in notebooks()]
    parser = argparse.ArgumentParser(description="Run the notebooks of the documentation")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(names)}")
    parser.add_argument("--strip", action="store_true", help="take outputs out of the sources")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(names):
        parser.error(f"unknown notebooks {sorted(unknown)}; give some of: {', '.join(names)}")
    paths = [path for path in notebooks() if not chosen.names or path.stem in chosen.names]
    if chosen.strip:
        for path in paths:
            path.write_text(stripped(path.read_text("utf-8")), "utf-8")
        return 0
    return max(map(_run, paths), default=0)


def _run(path: Path) -> int:
    from nbclient.exceptions import CellExecutionError

    OUT.mkdir(parents=True, exist_ok=True)
    before = _seconds()
    try:
        (OUT / path.name).write_text(execute(path), "utf-8")
    except CellExecutionError as error:
        sys.stderr.write(f"{path.name}: {error}\n")
        return 1
    sys.stdout.write(f"{path.stem}: {_seconds() - before:.0f} s of CPU\n")
    sys.stdout.flush()
    return 0


def _seconds() -> float:
    """CPU time of the kernels that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
