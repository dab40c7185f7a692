"""Wrappers of providers, each a provider itself: retry, limit, budget, record, timeout."""
