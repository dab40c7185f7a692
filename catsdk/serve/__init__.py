"""HTTP services: the gateway that any client can ask, and rewards for trainers elsewhere."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__, extra="serve")
