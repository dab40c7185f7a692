"""Where answers are kept, and equal work in flight is shared."""
