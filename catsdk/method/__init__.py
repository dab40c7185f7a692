"""The method in motion: one run, the events of a run, many runs, and their synchronous forms."""
