"""Answers of every kind compared part by part."""
