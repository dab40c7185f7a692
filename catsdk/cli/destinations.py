"""Checks that a result can be written where it is to go, before anything is paid for."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from catsdk.core.errors import InvalidInputError

__all__ = ["check_file", "check_folder", "named"]


def named(given: str | Path) -> Path:
    """The path that an option names; an empty text, which Python takes for `.`, is refused.

    Args:
        given: What stands behind the option, or the option's default.

    Raises:
        BadParameter: the text is empty, as where a variable is not set.
    """
    if not str(given).strip():
        raise typer.BadParameter(
            "the name is empty; name a folder or a file, or . for the current folder"
        )
    return Path(given)


def check_file(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be written; none is made, and one that is there stays as it is.

    Raises:
        InvalidInputError: it is a folder, its folder is not there, or either is write-protected.
    """
    if path is None:
        return
    if path.is_dir():
        _refuse(option, path, "it is a folder; name a file")
    if not path.parent.is_dir():
        _refuse(option, path, f"there is no folder {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        _refuse(option, path, "writing there is not allowed")


def check_folder(option: str, path: Path) -> None:
    """Refuse a folder that is not there and cannot be made, or cannot be written to.

    Raises:
        InvalidInputError: it, or what stands above it, is a file or write-protected.
    """
    scheme, colon, _ = str(path).partition(":/")
    if colon and len(scheme) > 1:
        # A path keeps one slash of two.
        where = f"{scheme}://{str(path).partition(':/')[2].lstrip('/')}"
        raise InvalidInputError(
            f"{option} {where} is not on this machine; name a folder here, and copy it there"
            " afterwards"
        )
    above = (path, *path.absolute().parents)
    there = next(each for each in above if each.exists() or each.is_symlink())
    if not there.exists():
        _refuse(option, path, f"{there} is a link to {there.readlink()}, which is not there")
    if not there.is_dir():
        _refuse(option, path, f"{there} is a file; name a folder")
    if not os.access(there, os.W_OK):
        _refuse(option, path, f"writing to {there} is not allowed")


def _refuse(option: str, path: Path, why: str) -> None:
    raise InvalidInputError(f"{option} {path} cannot be written: {why}")
