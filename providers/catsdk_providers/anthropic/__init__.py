"""Anthropic's messages, or any endpoint that speaks them."""
