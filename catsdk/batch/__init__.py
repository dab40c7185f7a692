"""Durable runs over many prompts: a stopped run can be resumed, and every row is accounted for."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
