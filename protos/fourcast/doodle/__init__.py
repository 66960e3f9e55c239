"""Doodles on the wire."""
