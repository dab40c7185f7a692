"""TRL: the reward function, anchors, ranks, resuming, and whole runs."""
