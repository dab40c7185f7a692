"""How values are shown to people: in notebooks, by rich, and on HTML pages that stand alone."""
