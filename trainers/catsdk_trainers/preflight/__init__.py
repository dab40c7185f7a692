"""Preflight: sample a little before a training, to estimate whether it is likely to pay off."""
