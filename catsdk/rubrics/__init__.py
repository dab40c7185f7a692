"""Rubrics as values: files, points, quotes, agreement of judges, quality, reports. No model here."""
