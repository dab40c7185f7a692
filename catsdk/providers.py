"""Door to the providers: `from catsdk.providers import OpenAIProvider`, loaded when asked for."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
