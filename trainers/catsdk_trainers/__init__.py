"""Training with the rewards of catsdk: one way to train a file."""
