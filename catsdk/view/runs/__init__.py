"""A reader for each kind of run, which gives its outlines, its entries and facts about it."""
