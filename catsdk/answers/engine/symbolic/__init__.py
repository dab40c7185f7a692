"""The tier of last resort: sympy in processes that can be killed."""

from catsdk.answers.engine.symbolic.decide import close_workers, decide, decide_sync

__all__ = ["close_workers", "decide", "decide_sync"]
