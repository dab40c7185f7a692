"""Sends calls through a provider's batch API: collects them, pays once, delivers the answers."""
