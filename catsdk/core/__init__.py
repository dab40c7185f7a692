"""The words of the method and its one-method ports: no I/O, no vendor."""
