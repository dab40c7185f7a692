"""Preflight: a little sampling before a training, and whether it is likely to pay."""
