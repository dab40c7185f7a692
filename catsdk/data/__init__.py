"""Data sets of prompts and known answers: one syntax of sources, one loader for every command."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
