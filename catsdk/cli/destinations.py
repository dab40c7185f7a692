"""Checks that results can be written to the given place, before anything is paid for."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from catsdk.core.errors import InvalidInputError

__all__ = ["check_file", "check_folder", "named"]


def named(given: str | Path) -> Path:
    """Parse the path of an option; an empty text, which `Path` would read as `.`, is an error.

    Args:
        given: The option's value, or its default.

    Raises:
        BadParameter: the text is empty, as when a shell variable is not set.
    """
    if not str(given).strip():
        raise typer.BadParameter(
            "the name is empty; name a folder or a file, or . for the current folder"
        )
    return Path(given)


def check_file(option: str, path: Path | None) -> None:
    """Raise if a file cannot be written; nothing is created or changed.

    Raises:
        InvalidInputError: it is a folder, its folder does not exist, or either is write-protected.
    """
    if path is None:
        return
    if path.is_dir():
        _refuse(option, path, "it is a folder; name a file")
    if not path.parent.is_dir():
        _refuse(option, path, f"there is no folder {path.parent}; create it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        _refuse(option, path, "writing there is not allowed")


def check_folder(option: str, path: Path) -> None:
    """Raise if a folder cannot be created or cannot be written to.

    Raises:
        InvalidInputError: it, or the nearest existing folder above it, is a file or
            write-protected.
    """
    scheme, colon, _ = str(path).partition(":/")
    if colon and len(scheme) > 1:
        # `Path` has collapsed the two slashes of the URL into one.
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
