"""Doors: public names that are loaded from their modules when they are first used."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

__all__ = ["door"]


def door(
    package: str, file: str, *, extra: str | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Make the `__getattr__`, the `__dir__` and the `__all__` of a module from its stub.

    The stub is the `.pyi` file beside the module. Type checkers read it as any other: its imports
    say where each name is defined, and its `__all__` which names are public. Here the same lines
    say what to import when a name is first used.

    Args:
        package: The module's `__name__`.
        file: The module's `__file__`.
        extra: The extra that brings what the modules import, for the error where it is missing.

    Returns:
        The three, in this order.

    Example:
        ```python
        __getattr__, __dir__, __all__ = door(__name__, __file__)
        ```
    """
    homes, public = _read(package, Path(file).with_suffix(".pyi").name)

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            return import_module(f"{package}.{name}")
        try:
            return getattr(import_module(homes[name]), name)
        except ModuleNotFoundError as error:
            if extra is None or (error.name or "").startswith("catsdk"):
                raise
            # Here, since they bring pydantic and the metadata of packages, which an import and a
            # comparison of answers do without.
            from catsdk.core.errors import MissingExtraError
            from catsdk.core.installing import install_command

            raise MissingExtraError(
                f"{package}.{name} needs the package {error.name!r}: {install_command(extra)}"
            ) from error

    return load, public.copy, public


def _read(package: str, stub: str) -> tuple[dict[str, str], list[str]]:
    """Give the module of each name that the stub imports, and the names in its `__all__`."""
    homes: dict[str, str] = {}
    public: list[str] = []
    for statement in ast.parse(pkgutil.get_data(package, stub) or b"").body:
        match statement:
            case ast.ImportFrom(module=str(home), names=names):
                homes |= {each.name: home for each in names}
            case ast.Assign(targets=[ast.Name(id="__all__")], value=names):
                public = ast.literal_eval(names)
            case _:
                pass
    return homes, public
