"""The tier of last resort: sympy in processes that can be killed."""

from catsdk.equivalence.symbolic.decide import close_workers, decide, decide_sync

__all__ = ["close_workers", "decide", "decide_sync"]
