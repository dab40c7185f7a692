"""The method in motion: one run, its events, and the results of many."""
