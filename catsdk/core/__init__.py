"""The types of the method and its one-method ports, without I/O and without vendors."""
