"""Version 1 of the steganography messages and service, generated from `stego.proto`."""
