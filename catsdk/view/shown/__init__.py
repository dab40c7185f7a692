"""What screens show about entries: answers in clusters, support, verdicts, comparisons, costs."""
