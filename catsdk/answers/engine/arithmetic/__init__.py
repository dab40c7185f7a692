"""The exact tier: normal forms with rational coefficients."""
