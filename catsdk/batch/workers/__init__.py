"""Jobs with many workers, which share one budget, one set of limits and one store of answers."""
