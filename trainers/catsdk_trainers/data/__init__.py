"""The rows of a training: prompts, known answers, and the groups of a reward call."""
