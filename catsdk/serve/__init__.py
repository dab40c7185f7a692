"""HTTP services: rewards for trainers in other processes."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__, extra="train")
