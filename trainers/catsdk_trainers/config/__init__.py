"""One training run as a value: its settings and presets."""
