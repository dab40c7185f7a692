"""How models are opened and called: the client, its chain of wrappers, the context of roles."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
