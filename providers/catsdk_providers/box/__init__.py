"""The model in the box: its weights, its card, and the problems it was made for."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BOX"]

BOX = Path(__file__).parent / "weights"
"""The folder with its configuration, tokenizer and weights."""
