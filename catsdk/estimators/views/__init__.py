"""Estimators that look at a second group: the question in other words, or of another model."""
