"""Recorded answers and their replay."""
