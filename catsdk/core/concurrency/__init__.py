"""Concurrency for every room: fan-out, pipelines, work that is done once, and waking a task."""
