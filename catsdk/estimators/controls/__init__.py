"""Estimators that others must beat: a random rollout, one greedy answer, another order."""
