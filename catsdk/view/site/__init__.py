"""The viewer over HTTP: its page, and the data for it as JSON."""
