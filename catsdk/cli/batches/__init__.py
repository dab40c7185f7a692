"""The command line of provider batches: which calls are batched, and which batches are open."""
