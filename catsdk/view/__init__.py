"""The viewer: runs, items, groups, rubrics and trainings that catsdk wrote, in a browser."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__, extra="serve")
