"""Shows values to people: in notebooks, by rich, and on self-contained HTML pages."""
