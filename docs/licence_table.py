"""Write the table of docs/releases.md: what `pip install` brings by default, and its licences.

`python docs/licence_table.py` follows the requirements of the package from one distribution to the
next, as they are installed here, and rewrites the table in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path
from tomllib import loads

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs.marked import between

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "releases.md"
BEGIN, END = "<!-- table: licences -->", "<!-- end of table -->"
HEAD = "| package | licence |\n| --- | --- |"


def installed_by_default() -> dict[str, str]:
    """The licence of each package that the requirements without an extra bring."""
    project = loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    found: dict[str, str] = {}
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            # For another system or another Python.
            continue
        if name not in found or wanted.extras:
            found[name] = licence_of(installed)
            waiting += _requirements(installed, wanted.extras)
    return dict(sorted(found.items()))


def _requirements(installed: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in installed.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def licence_of(installed: Distribution) -> str:
    """What a distribution says its licence is: an expression, else classifiers, else a field."""
    told = installed.metadata
    classifiers = [each for each in told.get_all("Classifier") or [] if each.startswith("License")]
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.count("::") > 1]
    expression, field = (_told(told, name) for name in ("License-Expression", "License"))
    return expression or ", ".join(named) or field.partition("\n")[0] or "not said"


def _told(metadata: PackageMetadata, name: str) -> str:
    return "".join(metadata.get_all(name) or ())


def table() -> str:
    """The table as Markdown."""
    rows = [f"| {name} | {licence} |" for name, licence in installed_by_default().items()]
    return "\n".join([HEAD, *rows])


def rewritten(page: str) -> str:
    """The page with a fresh table between its marks."""
    return between(page, BEGIN, END, table())


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("utf-8")), "utf-8")
