"""What the command line knows of provider batches: which calls go there, and what is out."""
