"""Steganography: text to bits and back, pictures to tiles and back, hiding and revealing."""
