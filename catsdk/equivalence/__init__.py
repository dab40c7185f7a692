"""When two answers are the same: extraction, normal form, classes and their majority."""
