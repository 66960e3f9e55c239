"""Steganography on the wire."""
