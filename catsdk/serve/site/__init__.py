"""How the HTTP services listen: who may ask, what may arrive, and when a connection is closed."""
