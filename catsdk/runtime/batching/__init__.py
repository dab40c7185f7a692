"""Calls through the provider's batch API: collected, bought once, and given to who asked."""
