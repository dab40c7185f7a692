"""The model in the box: its weights, its card, and the problems it was made for."""
