"""Door to the trainers: `from catsdk.train import CaTConfig, grpo`, loaded when asked for."""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__, extra="train")
