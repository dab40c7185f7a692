"""Limits the number and the rate of calls: gates, queues and buckets."""
