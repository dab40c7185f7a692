"""Measures how well ways of answering do on problems whose answers are known."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
