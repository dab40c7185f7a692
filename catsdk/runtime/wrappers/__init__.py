"""Wrappers of a provider, one a file: each is a provider itself."""
