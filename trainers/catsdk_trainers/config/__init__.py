"""The settings of a training run, and presets for them."""
