"""Recorded answers, played again."""
