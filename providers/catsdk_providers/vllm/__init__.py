"""vLLM: a server, or the engine in this process."""
