"""Stores of answers, which also share equal work in flight."""
