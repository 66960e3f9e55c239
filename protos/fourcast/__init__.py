"""The wire formats of fourcast: one package a domain, one folder a version."""
