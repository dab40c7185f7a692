"""Doors: public names that are loaded from their modules when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module

__all__ = ["door"]


def door(
    package: str,
    homes: Mapping[str, str],
    *,
    faces: Collection[str] = (),
    extra: str | None = None,
) -> Callable[[str], object]:
    """Make the `__getattr__` of a package that loads its names lazily.

    Args:
        package: The package's `__name__`, for errors.
        homes: The module of each name.
        faces: The modules of the package that are reached as its attributes.
        extra: The extra that brings what the modules import, for the error where it is missing.

    Returns:
        A function of a name that gives the object.
    """

    def load(name: str) -> object:
        if name in faces:
            return import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            return getattr(import_module(homes[name]), name)
        except ModuleNotFoundError as error:
            if extra is None or (error.name or "").startswith("catsdk"):
                raise
            # Here, since it brings pydantic, which a comparison of answers does without.
            from catsdk.core.errors import MissingExtraError

            raise MissingExtraError(
                f"{package}.{name} needs the package {error.name!r}: pip install 'catsdk[{extra}]'"
            ) from error

    return load
