"""What the providers over HTTP share: clients, bounds, secrets."""
