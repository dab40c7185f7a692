"""Rewards, which can be scaled and added: `0.5 * a + b`."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
