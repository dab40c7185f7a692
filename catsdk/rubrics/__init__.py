"""Rubrics: the proposer, judges and panels, scoring, files, quality, agreement and reports."""
