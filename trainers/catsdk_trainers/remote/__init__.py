"""The client of the reward service, for trainers that call a function for each sample."""
