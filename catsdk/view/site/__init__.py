"""The viewer over HTTP: what its pages ask as JSON, and the files of its pages."""
