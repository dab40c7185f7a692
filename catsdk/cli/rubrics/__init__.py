"""`catsdk rubric`: its commands, and their tables in the terminal."""
