"""Durable runs: what was paid for is kept as it arrives, and never paid for twice."""
