"""Anthropic's Messages API, or any endpoint with the same API."""
