"""Glue to services: one service a package, standing on `catsdk.core` alone."""
