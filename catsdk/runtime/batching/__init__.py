"""Calls that go through the provider's batch API: collected, bought once, given to who asked."""
