"""Runs the method: one run, its events, and the results of many."""
