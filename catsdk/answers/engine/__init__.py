"""The engine that decides whether two answers are the same; private."""
