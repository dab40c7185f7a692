"""Causal language models that run in this process."""
