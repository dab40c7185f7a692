"""How many calls go out, and how fast: gates, queues and buckets."""
