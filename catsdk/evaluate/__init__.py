"""Measures how well ways of answering do on problems whose answers are known."""
