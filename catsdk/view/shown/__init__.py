"""What screens show of entries: answers in clusters, support, verdicts, comparisons, costs."""
