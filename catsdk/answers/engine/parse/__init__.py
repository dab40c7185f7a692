"""From text to tree: cleaning, tokens, grammar, words and units."""
