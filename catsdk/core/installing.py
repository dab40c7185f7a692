"""The command that installs a missing package, for error messages."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["DISTRIBUTION", "install_command"]

DISTRIBUTION = "compute-as-teacher"
"""What the package index calls it; `catsdk` is what Python imports (docs/adr/0009)."""


def install_command(extra: str) -> str:
    """Return the command that adds an extra to this copy, from where the copy itself came from.

    Args:
        extra: An extra of `pyproject.toml`.

    Example:
        >>> install_command("local").startswith("pip install ")
        True
    """
    return f"pip install {_requirement(extra, _origin())}"


def _requirement(extra: str, origin: str | None) -> str:
    """The argument for pip.

    Args:
        extra: The extra.
        origin: The content of `direct_url.json` (PEP 610); `None` if an index was the source.
    """
    told: dict[str, Any] = json.loads(origin) if origin else {}
    url = str(told.get("url", ""))
    if "dir_info" in told:
        folder = unquote(urlsplit(url).path)
        editable = "-e " if told["dir_info"].get("editable") else ""
        return editable + quote(f"{folder}[{extra}]")
    if "vcs_info" in told:
        commit = told["vcs_info"].get("commit_id", "")
        source = f"{told['vcs_info']['vcs']}+{url}" + (f"@{commit}" if commit else "")
        return quote(f"{DISTRIBUTION}[{extra}] @ {source}")
    if url:
        return quote(f"{DISTRIBUTION}[{extra}] @ {url}")
    return quote(f"{DISTRIBUTION}[{extra}]")


@cache
def _origin() -> str | None:
    try:
        return distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        # A checkout that is only on the path, and not installed.
        root = Path(__file__).resolve().parents[2]
        if not (root / "pyproject.toml").is_file():
            return None
        return json.dumps({"url": root.as_uri(), "dir_info": {"editable": True}})
