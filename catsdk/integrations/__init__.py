"""Adapters that let other frameworks use a method as a model, one module each."""
