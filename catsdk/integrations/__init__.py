"""What lets other frameworks use a method as they use a model; one module for each."""
