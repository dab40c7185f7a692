"""The HTTP server behind all services: access, limits on requests, and closing connections."""
