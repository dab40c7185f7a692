"""Rubrics: the proposer, judges and panels, scoring, files, quality, agreement and reports."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
