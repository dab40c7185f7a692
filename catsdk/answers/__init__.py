"""When two answers are the same: extraction, tiers of comparison, classes and graders.

The names below are loaded when they are first used; nothing here loads sympy or mpmath before a
comparison needs it.
"""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
