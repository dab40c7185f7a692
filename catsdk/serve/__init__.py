"""HTTP services: the gateway for clients of model APIs, and rewards for trainers elsewhere."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__, extra="serve")
