"""Durable runs: answers are stored as they arrive, so that none is paid for twice."""
