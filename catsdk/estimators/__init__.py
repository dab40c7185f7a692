"""Estimators of a reference, one a file, under one protocol."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
