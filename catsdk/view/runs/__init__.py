"""One reader for each kind of folder: what it holds, as outlines, entries and facts of the run."""
