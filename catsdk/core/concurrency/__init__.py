"""Concurrency for all packages: fan-out, pipelines, work that is done once, and waking a task."""
