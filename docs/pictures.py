"""Make the pictures of the documentation anew: `make pictures`, or some of them by name.

    python docs/pictures.py                 # those that take seconds: the curves of the laboratory
    python docs/pictures.py demo viewer     # some by name, in minutes

Pictures in notebooks are drawn when the notebooks run, and are not kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PICTURES", "Pictures", "main"]

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_DRAW = (
    "from examples.lab.curves import draw, read_units; draw(read_units({0}), {0} / 'curves.png')"
)


@dataclass(frozen=True)
class Pictures:
    """Pictures that one command makes.

    Args:
        files: Their paths below `docs/`.
        command: What makes them, run by this interpreter in the root of the repository.
        cheap: Whether it takes seconds, not minutes.
    """

    files: tuple[str, ...]
    command: tuple[str, ...]
    cheap: bool = False


def _curves(folder: str) -> Pictures:
    """The curves of the numbers that a laboratory left in a folder; nothing is trained."""
    code = f"from pathlib import Path; {_DRAW.format(f'Path({folder!r})')}"
    return Pictures((f"{folder.removeprefix('docs/')}/curves.png",), ("-c", code), cheap=True)


_SCREENS = ("compare", "group", "group-dark", "items", "money", "rubric", "runs", "training")
_DEMO = ("from catsdk.cli import main; main()", "demo", "--problems", "500")

PICTURES: Mapping[str, Pictures] = {
    "curves": _curves("docs/lab"),
    "rubric-curves": _curves("docs/lab/rubric"),
    "short-curves": _curves("docs/lab/short"),
    "long-curves": _curves("docs/lab/long"),
    "long-32-curves": _curves("docs/lab/long-32"),
    "long-1000-curves": _curves("docs/lab/long-1000"),
    "seeds": Pictures(
        ("lab/seeds.png",),
        ("-m", "examples.lab.seeds", "docs/lab", "--remedy", "docs/lab/kl"),
        cheap=True,
    ),
    "gains": Pictures(
        ("real_lab/gains.png",),
        ("-m", "examples.real_lab.laboratory", "--out", "docs/real_lab"),
        cheap=True,
    ),
    "demo": Pictures(("demo.png",), ("-c", *_DEMO, "--plot", "docs/demo.png")),
    "viewer": Pictures(
        tuple(f"viewer/{screen}.png" for screen in _SCREENS), ("docs/screenshots.py",)
    ),
}
"""All pictures of the documentation, by the names that they are asked for by."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures that are named, or those that take seconds."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation anew")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(PICTURES)}")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(PICTURES):
        parser.error(f"unknown pictures {sorted(unknown)}; give some of: {', '.join(PICTURES)}")
    roots = os.pathsep.join(str(ROOT / each) for each in (".", "providers", "trainers"))
    for name in names or [name for name, each in PICTURES.items() if each.cheap]:
        sys.stdout.write(f"{name}: {', '.join(PICTURES[name].files)}\n")
        sys.stdout.flush()
        command = [sys.executable, *PICTURES[name].command]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": roots}, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
