"""Estimators that use a second group: of the question reworded, or of another model."""
