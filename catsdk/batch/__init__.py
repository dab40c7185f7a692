"""Durable runs over many prompts: resumed where they were stopped, with every row accounted for."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
