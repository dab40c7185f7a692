"""Glue to services: one provider a file, standing on `catsdk.core` alone."""
