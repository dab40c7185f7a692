"""Providers: connects services to catsdk, one package a service, based on `catsdk.core` alone."""
