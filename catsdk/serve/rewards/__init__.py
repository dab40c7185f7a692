"""The reward service: groups or single samples in, rewards out."""
