"""The tier of last resort: sympy in processes that can be killed."""

from catsdk.equivalence.symbolic.decide import decide, decide_sync

__all__ = ["decide", "decide_sync"]
