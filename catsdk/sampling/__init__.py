"""The policy's side: drawing groups of rollouts."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
