"""Training with the rewards of catsdk: settings, data, TRL, and the reward service's client."""
