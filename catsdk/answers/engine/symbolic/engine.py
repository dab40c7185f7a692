"""The door to sympy, which carries no types: here alone it is imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeAlias

__all__ = ["Expression", "sympy"]

sympy: Any = import_module("sympy")
Expression: TypeAlias = Any
