"""Compute as Teacher: inference compute becomes better answers, and rewards without labels.

The names below are loaded when they are first used; importing the package loads no vendor.
"""

from catsdk.core.doors import door

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = door(__name__, __file__)
